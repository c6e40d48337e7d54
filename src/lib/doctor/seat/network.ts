import { runLight } from '../../exec.ts';
import { check, type Finding, green, NotChecked, red } from '../check.ts';
import { NODES, type Order, type SeatPatient } from './order.ts';

export interface Addressed {
  addresses: { dev: string; ip: string; prefix: number; mac: string }[];
  /** Where what is for elsewhere goes. */
  gateways: string[];
  order: Pick<Order, 'ip' | 'mac' | 'prefix' | 'gateway'>;
}

/** The machine's address, its card, and its way out. */
export const network = check({
  name: 'network',
  subject: 'its address and its default route',
  async gather({ order }: SeatPatient): Promise<Addressed> {
    const [links, routes] = await Promise.all([
      ask<Link>(['ip', '-j', 'address', 'show']),
      ask<{ gateway?: string }>(['ip', '-j', '-4', 'route', 'show', 'default']),
    ]);
    return {
      addresses: links.flatMap(({ ifname, address = '', addr_info = [] }) =>
        addr_info
          .filter(({ family }) => family === 'inet')
          .map(({ local, prefixlen }) => ({ dev: ifname, ip: local, prefix: prefixlen, mac: address })),
      ),
      gateways: routes.flatMap(({ gateway }) => gateway ?? []),
      order,
    };
  },
  decide: judgeNetwork,
});

export function judgeNetwork({ addresses, gateways, order }: Addressed): Finding[] {
  const own = addresses.find(({ ip }) => ip === order.ip);
  if (!own)
    return [
      red(
        `it has not the address that MDB says, but ${addresses.map(({ ip }) => ip).join(', ') || 'none'}`,
        `prolo reboot ${NODES}`,
      ),
    ];
  const found: Finding[] = [];
  if (own.mac !== order.mac)
    found.push(
      red(`its network card is ${own.mac}, not that of MDB`, `prolo mdb set ${NODES} --mac ${own.mac}`),
    );
  if (order.prefix !== undefined && own.prefix !== order.prefix)
    found.push(
      red(
        `its network is a /${own.prefix} to it, and a /${order.prefix} to the site`,
        `prolo reboot ${NODES}`,
      ),
    );
  const add = `prolo pssh ${NODES} -- ip route replace default via ${order.gateway}`;
  if (gateways.length === 0) found.push(red('no default route', order.gateway ? add : 'ip route'));
  else if (order.gateway && !gateways.includes(order.gateway))
    found.push(red(`its default route leads to ${gateways.join(', ')}, not to ${order.gateway}`, add));
  return found.length > 0 ? found : [green('its own address, and a default route')];
}

interface Link {
  ifname: string;
  address?: string;
  addr_info?: { family: string; local: string; prefixlen: number }[];
}

async function ask<T>(argv: readonly string[]): Promise<T[]> {
  const { exitCode, stdout, stderr } = await runLight(argv, 3_000);
  if (exitCode !== 0) throw new NotChecked(`${argv.join(' ')}: ${stderr.trim()}`);
  return JSON.parse(stdout || '[]') as T[];
}

/** The card that has that address. */
export async function deviceOf(ip: string): Promise<string | undefined> {
  const links = await ask<Link>(['ip', '-j', 'address', 'show']);
  return links.find(({ addr_info = [] }) => addr_info.some(({ local }) => local === ip))?.ifname;
}
