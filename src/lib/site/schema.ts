import { type Static, Type } from 'typebox';
import { Accounts } from './schema/accounts.ts';
import { Contest } from './schema/contest.ts';
import { Dhcp } from './schema/dhcp.ts';
import { Dns } from './schema/dns.ts';
import { Firewall } from './schema/firewall.ts';
import { Hfs } from './schema/hfs.ts';
import { Limits } from './schema/limits.ts';
import { Netboot } from './schema/netboot.ts';
import { Presence } from './schema/presence.ts';
import { Rfs } from './schema/rfs.ts';
import { Ssh } from './schema/ssh.ts';
import { Sso } from './schema/sso.ts';
import { Uplinks } from './schema/uplinks.ts';
import { duration, label, strict, text } from './schema/shared.ts';

export const MTYPES = ['user', 'orga', 'cluster', 'service'] as const;
export const GROUPS = ['user', 'orga', 'root'] as const;
export type Mtype = (typeof MTYPES)[number];
export type Group = (typeof GROUPS)[number];

const Network = Type.Object(
  {
    name: Type.String({ pattern: label, description: 'a short name' }),
    cidr: Type.String({ format: 'prolo-cidr', description: 'an IPv4 network such as 192.168.0.0/23' }),
    role: Type.Enum(['machines', 'alien', 'empty'], {
      description: 'machines (hosts of MDB), alien (unknown ones) or empty (on the wire, not served)',
    }),
    gateway: Type.Optional(Type.String({ format: 'prolo-ip', description: "the gateway's address in it" })),
    range: Type.Optional(
      Type.String({ format: 'prolo-range', description: 'addresses to lease, FIRST-LAST' }),
    ),
    dhcp: Type.Boolean({ description: 'whether our DHCP server serves it', default: true }),
    interface: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_.:@-]+$',
        description:
          "the gateway's NIC that it is on, where there are several; none: the other networks' one",
      }),
    ),
  },
  strict,
);

const Room = Type.Object(
  { prefix: Type.String({ pattern: label, description: 'what its hostnames begin with, such as pas' }) },
  strict,
);

const groupConfig = (uids: string, gid: number, quotaBytes: number, passwordLength: number) =>
  Type.Object(
    {
      uids: Type.String({
        pattern: '^\\d{3,9}-\\d{3,9}$',
        description: 'UIDs to hand out, FIRST-LAST',
        default: uids,
      }),
      gid: Type.Integer({ minimum: 100, description: "the group's id", default: gid }),
      quotaBytes: Type.Integer({ minimum: 0, description: "a home's size in bytes", default: quotaBytes }),
      passwordLength: Type.Integer({
        minimum: 6,
        maximum: 64,
        description: 'of generated passwords',
        default: passwordLength,
      }),
    },
    { ...strict, default: {} },
  );
const GiB = 1024 ** 3;

/**
 * Everything a site may say about itself, with SADM's values as defaults: what `prolo.yml` is checked against. Made into data
 * when prolo is built (scripts/build-plugins.js), so that no start loads typebox for it.
 */
export const ConfigSchema = Type.Object(
  {
    name: Type.String({ pattern: label, description: "the site's name", default: 'prolo' }),
    domain: Type.String({
      pattern: `${label.slice(0, -1)}(\\.${label.slice(1, -1)})*$`,
      description: 'the DNS domain of all machines',
      default: 'prolo',
    }),
    gateway: Type.String({ pattern: label, description: "the gateway's hostname", default: 'gw' }),
    timezone: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$',
        description: 'of all hosts, such as Europe/Paris; none: servers keep theirs, PCs have the gateway’s',
      }),
    ),
    locale: Type.String({
      pattern: '^[A-Za-z_]+(\\.[A-Za-z0-9-]+)?$',
      description: 'of servers, such as en_US.UTF-8: what programs speak',
      default: 'C.UTF-8',
    }),
    bind: Type.Array(Type.String({ format: 'prolo-ip' }), {
      description: 'addresses the daemons listen on',
      default: ['127.0.0.1'],
    }),
    portBase: Type.Integer({
      minimum: 1024,
      maximum: 65000,
      description: 'the first of the services’ ports',
      default: 20000,
    }),
    serviceUrl: Type.String({
      format: 'prolo-url',
      description: 'how other hosts reach a service; {service} and {port} are replaced',
      default: 'http://{service}/',
    }),
    allow: Type.Array(Type.String({ format: 'prolo-cidr' }), {
      description: 'who may speak to the daemons; none: loopback and the networks of machines',
      default: [],
    }),
    database: Type.Optional(
      Type.String({
        pattern: '^(sqlite:.+|postgres(ql)?://.+)$',
        description: 'sqlite:FILE or postgres://…; only the gateway has one',
      }),
    ),
    secrets: text('the file of secrets, beside prolo.yml', 'secrets.yml'),
    state: text('the folder of generated files, beside prolo.yml', 'state'),
    networks: Type.Array(Network, {
      description: 'the IPv4 networks on the wire',
      default: [
        { name: 'lan', cidr: '192.168.0.0/23', role: 'machines', gateway: '192.168.1.254' },
        { name: 'cluster', cidr: '192.168.2.0/24', role: 'machines', gateway: '192.168.2.254', dhcp: false },
        {
          name: 'alien',
          cidr: '192.168.250.0/24',
          role: 'alien',
          gateway: '192.168.250.254',
          range: '192.168.250.1-192.168.250.253',
        },
      ],
    }),
    uplinks: Uplinks,
    pools: Type.Object(
      Object.fromEntries(
        MTYPES.map((mtype) => [
          mtype,
          Type.String({
            format: 'prolo-pool',
            description: 'FIRST-LAST, or the mtype whose pool it shares',
            default: {
              user: '192.168.0.1-192.168.0.253',
              orga: 'user',
              service: '192.168.1.1-192.168.1.253',
              cluster: '192.168.2.1-192.168.2.199',
            }[mtype],
          }),
        ]),
      ) as Record<Mtype, ReturnType<typeof Type.String>>,
      { ...strict, default: {} },
    ),
    rooms: Type.Record(Type.String({ pattern: label }), Room, {
      description: 'where machines stand',
      default: {
        pasteur: { prefix: 'pas' },
        alt: { prefix: 'alt' },
        cluster: { prefix: 'cl' },
        other: { prefix: 'other' },
      },
    }),
    groups: Type.Object(
      {
        user: groupConfig('10000-10999', 10000, 2 * GiB, 8),
        orga: groupConfig('11000-11999', 11000, 5 * GiB, 10),
        root: groupConfig('12000-12999', 12000, 5 * GiB, 10),
      },
      { ...strict, default: {} },
    ),
    shell: Type.String({ pattern: '^/[\\w./-]+$', description: "a new user's shell", default: '/bin/bash' }),
    reservedLogins: Type.Array(Type.String(), {
      description: 'logins nobody may have, beside the system’s own',
      default: ['root', 'prolo', 'admin'],
    }),
    dns: Dns,
    dhcp: Dhcp,
    netboot: Netboot,
    presence: Presence,
    accounts: Accounts,
    ssh: Ssh,
    sso: Sso,
    rfs: Rfs,
    limits: Limits,
    firewall: Firewall,
    contest: Contest,
    hfs: Hfs,
    feed: Type.Object(
      {
        maxBehindBytes: Type.Integer({
          minimum: 1024,
          description: 'a slower subscriber is dropped',
          default: 16 * 1024 * 1024,
        }),
        pollMs: duration(
          'how often SQLite is asked for changes of other processes, beside the kernel’s word',
          30,
        ),
      },
      { ...strict, default: {} },
    ),
    log: Type.Object(
      { level: Type.Enum(['trace', 'debug', 'info', 'warn', 'error'], { default: 'info' }) },
      { ...strict, default: {} },
    ),
  },
  strict,
);

export type Config = Static<typeof ConfigSchema>;
export type NetworkConfig = Config['networks'][number];
