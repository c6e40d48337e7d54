import { createHash } from 'node:crypto';
import { formatIp, type Range } from '../net.ts';
import type { Config } from '../site/schema.ts';
import { ARCH, bootstrapUrl, IPXE, SCRIPTLET } from './boot-options.ts';
import { layOut } from './lay-out.ts';
import type { Listen } from './listen.ts';
import type { DhcpPlan, Host, Subnet, Wire } from './plan.ts';

/** What the configuration has to know about the host that Kea runs on. */
export interface KeaHost {
  listen: Listen;
  socket: string;
  leases: string;
  /** Path of libdhcp_lease_cmds.so, where there is one. */
  leaseCommands?: string;
}

export interface KeaConfig {
  text: string;
  /** Of the text; Kea tells it back, and so which text it serves. */
  digest: string;
}

/** An address that a machine declined is given again after this; Kea's own 24 h would cost that machine a day. */
const DECLINED_SECONDS = 60;

/** The whole kea-dhcp4.conf. Valid for Kea 2.2 (Debian 12) and newer. */
export function renderKea(config: Config, plan: DhcpPlan, host: KeaHost): KeaConfig {
  const render = (digest: string): string => layOut({ Dhcp4: dhcp4(config, plan, host, digest) });
  const digest = createHash('sha256').update(render('')).digest('hex').slice(0, 32);
  return { text: render(digest), digest };
}

function dhcp4(config: Config, plan: DhcpPlan, host: KeaHost, digest: string): object {
  const { leaseCommands } = host;
  return {
    'user-context': { comment: 'written by prolo mdbdhcp: changes made here are lost', digest },
    'interfaces-config': {
      interfaces: host.listen.interfaces,
      'dhcp-socket-type': 'raw',
      // A NIC that is down when Kea starts is waited for.
      'service-sockets-max-retries': 1_000_000,
      'service-sockets-retry-wait-time': 1000,
    },
    'control-socket': { 'socket-type': 'unix', 'socket-name': host.socket },
    'lease-database': { type: 'memfile', persist: true, name: host.leases, 'lfc-interval': 3600 },
    ...(leaseCommands ? { 'hooks-libraries': [{ library: leaseCommands }] } : {}),
    // It answers for all of the wire: who asks for an address of elsewhere is told no at once.
    authoritative: true,
    // A machine is its MAC: firmware, iPXE and Linux each send a client id of their own.
    'match-client-id': false,
    'host-reservation-identifiers': ['hw-address'],
    'reservations-global': false,
    'reservations-in-subnet': true,
    'valid-lifetime': config.dhcp.leaseSeconds,
    'calculate-tee-times': true,
    'decline-probation-period': DECLINED_SECONDS,
    'ddns-send-updates': false,
    'option-def': [
      { name: IPXE.space, code: IPXE.code, space: 'dhcp4', type: 'empty', encapsulate: IPXE.space },
      { name: SCRIPTLET.name, code: SCRIPTLET.code, space: IPXE.space, type: 'string' },
      { name: 'no-pxedhcp', code: IPXE.noPxeDhcp, space: IPXE.space, type: 'uint8' },
    ],
    'option-data': [
      { name: 'domain-name', data: config.domain },
      ...(config.dhcp.ntpServers.length > 0
        ? [{ name: 'ntp-servers', data: config.dhcp.ntpServers.join(', ') }]
        : []),
      ...ipxeOptions(),
    ],
    'client-classes': clientClasses(config, plan),
    'shared-networks': plan.wires.map((wire) => sharedNetwork(config, wire, host.listen.nic)),
  };
}

/** Suboptions are found beside their option only, so each place that adds one has them all. */
function ipxeOptions(scriptlet?: string): object[] {
  return [
    { name: IPXE.space, code: IPXE.code },
    { name: 'no-pxedhcp', space: IPXE.space, data: '1' },
    ...(scriptlet ? [{ name: SCRIPTLET.name, space: IPXE.space, data: scriptlet }] : []),
  ];
}

/** How long a client has its address, and what it is told to fetch, by what it is. */
function clientClasses(config: Config, plan: DhcpPlan): object[] {
  const { biosFile, uefiFile, uefiUrl } = config.dhcp;
  const gatewayOf = (role: Subnet['role']): string | undefined =>
    plan.wires.flatMap(({ subnets }) => subnets).find((subnet) => subnet.role === role && subnet.gateway)
      ?.gateway;
  const arch = (code: number): string =>
    `option[${ARCH.option}].hex == 0x${code.toString(16).padStart(4, '0')}`;
  const rom = (test: string): string => `not member('ipxe') and (${test})`;
  const old = `substring(option[60].hex, 0, 9) == 'PXEClient' and not option[${ARCH.option}].exists`;
  return [
    { name: 'alien', test: `member('UNKNOWN')`, 'valid-lifetime': config.dhcp.alienLeaseSeconds },
    { name: 'ipxe', test: `option[77].hex == '${IPXE.userClass}'` },
    {
      name: 'ipxe-known',
      test: `member('ipxe') and member('KNOWN')`,
      'boot-file-name': bootstrapUrl(config, false, gatewayOf('machines')),
    },
    {
      name: 'ipxe-alien',
      test: `member('ipxe') and member('UNKNOWN')`,
      'boot-file-name': bootstrapUrl(config, true, gatewayOf('alien')),
    },
    { name: 'bios', test: rom(`${arch(ARCH.bios)} or (${old})`), 'boot-file-name': biosFile },
    { name: 'uefi', test: rom(ARCH.uefi.map(arch).join(' or ')), 'boot-file-name': uefiFile },
    ...(uefiUrl
      ? [
          {
            name: 'uefi-http',
            test: rom(arch(ARCH.uefiHttp)),
            'boot-file-name': uefiUrl,
            // Without its own vendor class back, such a client takes the offer for somebody else's.
            'option-data': [{ name: 'vendor-class-identifier', data: 'HTTPClient', 'always-send': true }],
          },
        ]
      : []),
  ];
}

function sharedNetwork(config: Config, wire: Wire, onlyNic: string | undefined): object {
  const nic = wire.interface ?? onlyNic;
  const guarded = wire.subnets.find(({ range }) => range);
  return {
    name: wire.name,
    ...(nic ? { interface: nic } : {}),
    subnet4: wire.subnets.map((subnet) => ({
      // Leases name their subnet by its id: one that comes from the network itself survives every change of order.
      id: subnet.first,
      subnet: subnet.cidr,
      ...(subnet.role === 'empty' ? {} : served(config, subnet)),
      reservations: [
        ...subnet.hosts.map(reservation),
        ...(subnet === guarded
          ? wire.strangers.map(({ hostname, mac }) => ({ 'hw-address': mac, hostname }))
          : []),
      ],
    })),
  };
}

function served(config: Config, { gateway, range }: Subnet): object {
  const nextServer = config.dhcp.nextServer ?? gateway;
  return {
    ...(nextServer ? { 'next-server': nextServer } : {}),
    'option-data': [
      ...(gateway
        ? [
            { name: 'routers', data: gateway },
            { name: 'domain-name-servers', data: gateway },
          ]
        : []),
      ...(gateway && config.dhcp.ntpServers.length === 0 ? [{ name: 'ntp-servers', data: gateway }] : []),
    ],
    ...(range ? { pools: [alienPool(range)] } : {}),
  };
}

function alienPool({ first, last }: Range): object {
  return {
    pool: `${formatIp(first)} - ${formatIp(last)}`,
    'client-class': 'UNKNOWN',
    'option-data': ipxeOptions(SCRIPTLET.alien),
  };
}

function reservation({ hostname, mac, ip }: Host): object {
  return { 'hw-address': mac, 'ip-address': ip, hostname };
}
