import { parsePorts } from '../../net.ts';
import type { Config } from '../../site/schema.ts';
import { hfsUrl, SERVICES, serviceUrl } from '../../site/site.ts';

/** What Prometheus asks of each machine. */
const NODE_EXPORTER = 9100;
const DNS = 53;
const DHCP = [67, 68];
const NTP = 123;
const NFS = 2049;
const HFS_SERVERS = 20;

/** As tc's filters have ports: those whose bits under the mask are the port's. */
export interface PortMask {
  port: number;
  mask: number;
}

/** The fewest filters that match these ports and no others. */
export function maskPorts(ports: Iterable<number>): PortMask[] {
  const wanted = new Set(ports);
  const masks: PortMask[] = [];
  for (const port of [...wanted].sort((a, b) => a - b)) {
    if (!wanted.has(port)) continue;
    let size = 1;
    while (port % (size * 2) === 0 && isWhole(wanted, port + size, size)) size *= 2;
    for (let i = 0; i < size; i++) wanted.delete(port + i);
    masks.push({ port, mask: 0x10000 - size });
  }
  return masks;
}

function isWhole(ports: ReadonlySet<number>, first: number, count: number): boolean {
  for (let port = first; port < first + count; port++) if (!ports.has(port)) return false;
  return true;
}

/** Lines of /etc/prolo/shaping: what goes first, and what goes before the rest. */
export function shapingLines(config: Config): string[] {
  const line = (what: string, { port, mask }: PortMask, address = ''): string =>
    `${what} ${port} 0x${mask.toString(16).padStart(4, '0')} ${address}`.trimEnd();
  const lines = (what: string, ports: Iterable<number>, address?: string): string[] =>
    maskPorts(ports).map((mask) => line(what, mask, address));
  const gateways = config.networks.flatMap(({ role, gateway }) =>
    role === 'machines' && gateway ? [gateway] : [],
  );
  const services = SERVICES.map((service) => portOf(serviceUrl(config, service)));
  const hfs = Array.from({ length: HFS_SERVERS }, (_, number) => portOf(hfsUrl(config, number)));
  const { first, last } = parsePorts(config.hfs.ports)!;
  return [
    ...lines('first local', [config.ssh.port, NODE_EXPORTER]),
    ...lines('first remote', [DNS, NTP, ...DHCP, ...hfs]),
    // HTTP is what anybody's bulk is, too: the gateway's only.
    ...gateways.flatMap((gateway) => lines('first remote', services, gateway)),
    ...lines('storage remote', [NFS, ...Array.from({ length: last - first + 1 }, (_, i) => first + i)]),
  ];
}

/** Of a URL in which names of services may still stand. */
function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}
