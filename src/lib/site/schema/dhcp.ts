import { Type } from 'typebox';
import { argv, checks, strict, text } from './shared.ts';

/** It has to fit the field of a DHCP packet. */
const bootFile = (description: string, value: string) =>
  Type.String({ minLength: 1, maxLength: 127, description, default: value });

export const Dhcp = Type.Object(
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
