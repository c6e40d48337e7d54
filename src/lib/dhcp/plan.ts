import { ProloError } from '../errors.ts';
import type { MachineRecord } from '../mdb/record.ts';
import { checkIp, checkLabel, checkMac, quote } from '../mdb/validate.ts';
import { inRange, parseCidr, parseIp, parseRange, type Range } from '../net.ts';
import type { Config, NetworkConfig } from '../site/schema.ts';

/** A machine of MDB as a DHCP server knows it. */
export interface Host {
  hostname: string;
  mac: string;
  ip: string;
}

export interface Subnet {
  name: string;
  cidr: string;
  first: number;
  prefix: number;
  /** `empty` ones are named to the server, and not served. */
  role: NetworkConfig['role'];
  gateway?: string;
  /** What unknown machines get; known ones never do. */
  range?: Range;
  /** Machines that have their address in it. */
  hosts: Host[];
}

/** All that is on one NIC of the gateway. */
export interface Wire {
  name: string;
  interface?: string;
  subnets: Subnet[];
  /** Known machines whose address is elsewhere: here they get none, and above all no alien's. */
  strangers: Host[];
}

export interface DhcpPlan {
  wires: Wire[];
  hosts: Host[];
}

/** The site as a DHCP server sees it; machines in order of their addresses. @throws ProloError that names the machine */
export function planDhcp(config: Config, machines: Iterable<MachineRecord>): DhcpPlan {
  const hosts = sortHosts([...machines].map(checkHost));
  const served = config.networks.filter(({ role, dhcp }) => role === 'empty' || dhcp);
  const main = served.find(({ role, interface: nic }) => role !== 'empty' && nic)?.interface;
  const nics = [...new Set(served.map((network) => network.interface ?? main))];
  const wires = nics.map((nic): Wire => {
    const subnets = served
      .filter((network) => (network.interface ?? main) === nic)
      .map((network) => planSubnet(network, hosts));
    const here = new Set(subnets.flatMap((subnet) => subnet.hosts));
    return {
      name: nic === main ? `${config.name}-lan` : `${config.name}-${nic}`,
      ...(nic ? { interface: nic } : {}),
      subnets,
      strangers: subnets.some(({ range }) => range) ? hosts.filter((host) => !here.has(host)) : [],
    };
  });
  return { wires, hosts };
}

function planSubnet(network: NetworkConfig, hosts: Host[]): Subnet {
  const { name, cidr, role, gateway } = network;
  const { first, last, prefix } = parseCidr(cidr)!;
  const served = role !== 'empty';
  const range = served && network.range ? parseRange(network.range) : undefined;
  return {
    name,
    cidr,
    first,
    prefix,
    role,
    ...(gateway ? { gateway } : {}),
    ...(range ? { range } : {}),
    hosts: served ? hosts.filter(({ ip }) => inRange(parseIp(ip)!, { first, last })) : [],
  };
}

/** MDB has checked it, and a feed is not MDB: nothing gets into a server's configuration unread. */
function checkHost({ hostname, mac, ip }: MachineRecord): Host {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const name = checkLabel(`machine ${quote(mac)}: hostname`, text(hostname));
  const owner = `machine ${name}`;
  return { hostname: name, mac: checkMac(owner, text(mac)), ip: checkIp(owner, text(ip)) };
}

/** @throws ProloError `refused` for two machines with one address or one name: a server would say it less clearly */
function sortHosts(hosts: Host[]): Host[] {
  for (const key of ['hostname', 'mac', 'ip'] as const) {
    const seen = new Map<string, Host>();
    for (const host of hosts) {
      const other = seen.get(host[key]);
      if (other) {
        const names = `machines ${other.hostname} (${other.mac}) and ${host.hostname} (${host.mac})`;
        throw new ProloError('refused', `${names}: both have the ${key} ${host[key]}`, {
          hint: 'change one of them with `prolo mdb set`',
        });
      }
      seen.set(host[key], host);
    }
  }
  return hosts.sort((a, b) => parseIp(a.ip)! - parseIp(b.ip)!);
}
