import { type Static, Type } from 'typebox';

/** Everything a site may say about itself, with SADM's values as defaults. `prolo.yml` is checked against this. */

export const MTYPES = ['user', 'orga', 'cluster', 'service'] as const;
export const GROUPS = ['user', 'orga', 'root'] as const;
export type Mtype = (typeof MTYPES)[number];
export type Group = (typeof GROUPS)[number];

const strict = { additionalProperties: false } as const;
const text = (description: string, value: string) => Type.String({ description, default: value });
const label = '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$';
const argv = (description: string, value: string[] = []) =>
  Type.Array(Type.String({ minLength: 1 }), { description, default: value });
const checks = Type.Enum(['required', 'if-present'], {
  description: 'if-present: a checker or reload program that is not installed is a warning, not an error',
  default: 'required',
});
/** It has to fit the field of a DHCP packet. */
const bootFile = (description: string, value: string) =>
  Type.String({ minLength: 1, maxLength: 127, description, default: value });
const duration = (description: string, value: number) =>
  Type.Integer({ minimum: 0, description, default: value });

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

const Profile = Type.Union(
  [
    Type.Object({ kind: Type.Literal('rfs') }, strict),
    Type.Object({ kind: Type.Literal('local') }, strict),
    Type.Object(
      {
        kind: Type.Literal('kernel'),
        kernel: Type.String({ minLength: 1 }),
        initrd: Type.Array(Type.String({ minLength: 1 }), { default: [] }),
        args: Type.String({ default: '' }),
      },
      strict,
    ),
    Type.Object({ kind: Type.Literal('chain'), url: Type.String({ minLength: 1 }) }, strict),
  ],
  { description: 'kind: rfs | local | kernel (kernel, initrd, args) | chain (url)' },
);
export type Profile = Static<typeof Profile>;

const Dns = Type.Object(
  {
    forwarders: Type.Array(Type.String({ format: 'prolo-ip' }), {
      description: 'name servers of the uplinks; two, so that one uplink may lose packets',
      default: [],
    }),
    ttlSeconds: Type.Integer({ minimum: 0, maximum: 604800, description: 'of every record', default: 60 }),
    dir: text('where named.conf and the zones are written, below the state folder or absolute', 'dns'),
    listen: Type.Array(Type.String({ format: 'prolo-ip' }), {
      description: "named's addresses; none: 127.0.0.1 and the gateway's in every network",
      default: [],
    }),
    port: Type.Integer({ minimum: 1, maximum: 65535, description: "named's port", default: 53 }),
    controlPort: Type.Integer({
      minimum: 1,
      maximum: 65535,
      description: "rndc's port on 127.0.0.1",
      default: 953,
    }),
    checks,
    checkzone: argv(
      'what checks a zone, as strictly as named reads it; the zone name and the file are added',
      ['named-checkzone', '-k', 'fail'],
    ),
    checkconf: argv('what checks named.conf; the file is added', ['named-checkconf']),
    reload: argv('what makes named read changed zones; {dir} is the folder above, {port} the control port', [
      'rndc',
      '-c',
      '{dir}/rndc.conf',
      'reload',
    ]),
  },
  { ...strict, default: {} },
);

const Dhcp = Type.Object(
  {
    server: Type.Enum(['kea', 'isc'], {
      description: 'kea, or isc for the unmaintained dhcpd',
      default: 'kea',
    }),
    dir: text('where its configuration is written: a path, or below the state folder', 'dhcp'),
    interfaces: Type.Array(Type.String({ pattern: '^[A-Za-z0-9_.:@-]+(/[0-9.]+)?$' }), {
      description: "it listens on, NAME or NAME/ADDRESS; none: those with the gateway's addresses",
      default: [],
    }),
    socket: text("Kea's control socket: a path, or below the folder above", 'kea/kea.sock'),
    leaseFile: text('a path, or below the folder above', 'kea/leases.csv'),
    hooks: Type.Array(Type.String({ minLength: 1 }), {
      description:
        "folders that may have Kea's libdhcp_lease_cmds.so, with which a PC that was swapped gets its address at once",
      default: [
        '/usr/lib/x86_64-linux-gnu/kea/hooks',
        '/usr/lib/aarch64-linux-gnu/kea/hooks',
        '/usr/lib64/kea/hooks',
        '/usr/lib/kea/hooks',
      ],
    }),
    leaseSeconds: Type.Integer({ minimum: 60, description: "a machine's lease", default: 43200 }),
    alienLeaseSeconds: Type.Integer({ minimum: 10, description: "an alien's lease", default: 60 }),
    checks,
    check: argv('what checks the configuration, the file is added; none: kea-dhcp4 -t, or dhcpd -4 -t -cf'),
    reload: argv('what restarts dhcpd (isc; Kea reloads over its socket)', [
      'systemctl',
      'restart',
      'dhcpd4',
    ]),
    nextServer: Type.Optional(
      Type.String({
        format: 'prolo-ip',
        description: "the TFTP server; none: the gateway's address in each network",
      }),
    ),
    biosFile: bootFile('what a BIOS fetches by TFTP', 'undionly.kpxe'),
    uefiFile: bootFile('what an UEFI fetches by TFTP', 'ipxe.efi'),
    uefiUrl: Type.Optional(
      Type.String({
        format: 'prolo-url',
        maxLength: 127,
        description: 'what an UEFI that boots by HTTP fetches; none: it gets no answer to that',
      }),
    ),
    ntpServers: Type.Array(Type.String({ format: 'prolo-ip' }), {
      description: "handed to machines; none: the gateway's address",
      default: [],
    }),
  },
  { ...strict, default: {} },
);

const Netboot = Type.Object(
  {
    url: Type.Optional(Type.String({ format: 'prolo-url', description: 'how machines reach netboot' })),
    bootUrl: text(
      'where kernels are; {rfs} is the machine’s RFS, {netboot} netboot itself',
      'http://rfs{rfs}/boot',
    ),
    filesDir: text('kernels and initramfs that netboot serves under /files/, below the state folder', 'boot'),
    kernel: text("the root filesystem's kernel, below bootUrl", 'vmlinuz-linux'),
    initrd: Type.Array(Type.String({ minLength: 1 }), {
      description: "the root filesystem's initramfs files, below bootUrl",
      default: ['initramfs-linux.img'],
    }),
    nfsPath: text('what the RFS exports', '/export/nfsroot_ro'),
    kernelOptions: text('added to every kernel of the site', 'ip=dhcp quiet'),
    pauseSeconds: Type.Integer({ minimum: 1, description: 'before a refused machine reboots', default: 15 }),
    menuSeconds: Type.Integer({
      minimum: 5,
      description: "how long an unknown machine's menu waits for a key before it asks MDB again",
      default: 60,
    }),
    lldpSeconds: Type.Integer({
      minimum: 1,
      description: 'how long a machine that registers waits for the LLDP packet of a known switch',
      default: 45,
    }),
    stuckSeconds: Type.Object(
      {
        address: duration('a machine has an address and asks for no script', 60),
        script: duration('has its script and fetches nothing, or nothing that netboot sees', 180),
        kernel: duration('has asked for the kernel', 90),
        initramfs: duration('has asked for the initramfs and is not up', 300),
      },
      { ...strict, description: 'longer than this at a stage of its boot, a machine is stuck', default: {} },
    ),
    registrationsPerMinute: Type.Integer({
      minimum: 1,
      description: 'accepted from one address',
      default: 10,
    }),
    discovery: text('profile of the LLDP initramfs that registers; none: the menu only', 'discovery'),
    profiles: Type.Record(Type.String({ pattern: label }), Profile, {
      description: 'what a machine can boot, by name',
      default: {
        rfs: { kind: 'rfs' },
        disk: { kind: 'local' },
        arch: {
          kind: 'kernel',
          kernel: '{netboot}/files/arch/vmlinuz-linux',
          initrd: ['{netboot}/files/arch/initramfs-linux.img'],
          args: 'archisobasedir=arch ip=dhcp',
        },
        debian: {
          kind: 'kernel',
          kernel: '{netboot}/files/debian/linux',
          initrd: ['{netboot}/files/debian/initrd.gz'],
          args: 'priority=low',
        },
        rescue: {
          kind: 'kernel',
          kernel: '{netboot}/files/rescue/vmlinuz',
          initrd: ['{netboot}/files/rescue/initrd.img'],
          args: '',
        },
        discovery: {
          kind: 'kernel',
          kernel: '{netboot}/files/discovery/vmlinuz',
          initrd: ['{netboot}/files/discovery/initrd.img'],
          args: '',
        },
        memtest: { kind: 'kernel', kernel: '{netboot}/files/memtest/memtest.bin', initrd: [], args: '' },
      },
    }),
    boots: Type.Object(
      {
        user: text('the profile of contestants’ PCs', 'rfs'),
        orga: text('the profile of organisers’ PCs', 'rfs'),
        cluster: text('the profile of match servers', 'rfs'),
        service: text('the profile of servers', 'arch'),
      },
      { ...strict, default: {} },
    ),
  },
  { ...strict, default: {} },
);

const Hfs = Type.Object(
  {
    url: Type.String({
      format: 'prolo-url',
      description:
        'how an HFS is reached, and where it listens; {hfs} is its number, {port} is portBase + 100, {portN} is portBase + 100 + its number',
      default: 'http://hfs{hfs}:{port}',
    }),
    up: Type.Array(Type.Integer({ minimum: 0, maximum: 9999 }), {
      description: 'the HFS that `prolo up` runs on this host',
      default: [],
    }),
    dir: text('where images are, a folder for each HFS; below the state folder or absolute', '/export/hfs'),
    runDir: text(
      "sockets and records of running homes' processes; below the state folder or absolute",
      'run',
    ),
    skeleton: text(
      'what a new home holds, {group} is the group of its owner; beside prolo.yml or absolute',
      '/export/skeleton',
    ),
    ports: Type.String({
      format: 'prolo-ports',
      description: 'TCP ports of homes, FIRST-LAST',
      default: '40000-49999',
    }),
    exportName: Type.Enum(['token', 'login'], {
      description: "login: what SADM's own client asks for; anyone who reaches the port can then guess it",
      default: 'token',
    }),
    firewall: Type.Enum(['auto', 'off'], {
      description: 'auto: where there is nftables, only the seat that a home was given to can reach it',
      default: 'auto',
    }),
    reconnectSeconds: Type.Integer({
      minimum: 1,
      description: 'how long a move waits for a source that died',
      default: 10,
    }),
    movesAtOnce: Type.Integer({ minimum: 1, description: 'of one HFS; logins go first', default: 4 }),
    moveBytesPerSecond: Type.Integer({
      minimum: 0,
      description: 'of one move; 0: as fast as it goes',
      default: 0,
    }),
    retentionHours: Type.Integer({
      minimum: 0,
      description: "how long the old server keeps a moved home's last image",
      default: 24,
    }),
    backup: Type.Object(
      {
        repository: text('of restic, not on an HFS: a path or what restic takes; empty: no backups', ''),
        everyMinutes: Type.Integer({ minimum: 1, description: 'of homes that have changed', default: 10 }),
        bytesPerSecond: Type.Integer({
          minimum: 0,
          description: 'read from a server at most; 0: as fast as it goes',
          default: 50_000_000,
        }),
      },
      { ...strict, default: {} },
    ),
  },
  { ...strict, default: {} },
);

const Presence = Type.Object(
  {
    timeoutSeconds: Type.Integer({
      minimum: 2,
      description: 'a session that is not heard of for so long has ended; heartbeats come twice as often',
      default: 30,
    }),
    socket: text('where presenced listens on a PC, for its root alone', '/run/prolo/presenced.sock'),
    openSeconds: Type.Integer({
      minimum: 5,
      description: 'a login whose session does not begin within this is undone',
      default: 60,
    }),
  },
  { ...strict, default: {} },
);

export const ConfigSchema = Type.Object(
  {
    name: Type.String({ pattern: label, description: "the site's name", default: 'prolo' }),
    domain: Type.String({
      pattern: `${label.slice(0, -1)}(\\.${label.slice(1, -1)})*$`,
      description: 'the DNS domain of all machines',
      default: 'prolo',
    }),
    gateway: Type.String({ pattern: label, description: "the gateway's hostname", default: 'gw' }),
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
