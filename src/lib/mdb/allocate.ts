import { ProloError } from '../errors.ts';
import { formatIp, inRange, parseCidr, parseIp } from '../net.ts';
import { poolRange } from '../site/parse.ts';
import { type Config, MTYPES, type Mtype } from '../site/schema.ts';

/**
 * The first free address of a machine type's pool: never a network, broadcast or gateway address, nor one in `used`.
 * @throws ProloError `full` that names the pool.
 */
export function allocateIp(config: Config, mtype: Mtype, used: ReadonlySet<string>): string {
  const pool = poolRange(config, mtype)!;
  const taboo = untouchable(config);
  for (let ip = pool.first; ip <= pool.last; ip++) {
    const text = formatIp(ip);
    if (!taboo.has(text) && !used.has(text)) return text;
  }
  const range = `${formatIp(pool.first)}-${formatIp(pool.last)}`;
  throw new ProloError('full', `pool ${mtype} (${range}): no address is free`, {
    hint: `remove machines that are gone, or widen pools.${mtype} in prolo.yml`,
  });
}

/** @throws ProloError `bad-input` unless a machine can have this address. */
export function checkMachineIp(config: Config, owner: string, ip: string): void {
  const networks = config.networks.filter(({ role }) => role === 'machines');
  const value = parseIp(ip)!;
  const network = networks.find(({ cidr }) => inRange(value, parseCidr(cidr)!));
  if (!network)
    throw new ProloError('bad-input', `${owner}: ip ${ip} is in no network of machines`, {
      hint: `networks: ${networks.map(({ name, cidr }) => `${name} ${cidr}`).join(', ')}`,
    });
  const { first, last } = parseCidr(network.cidr)!;
  if (value === first || value === last)
    throw new ProloError(
      'bad-input',
      `${owner}: ip ${ip} is the network or broadcast address of ${network.cidr}`,
    );
}

export interface PoolUse {
  mtype: Mtype;
  range: string;
  /** The mtype whose range it is, when it shares one. */
  shares: Mtype | null;
  size: number;
  used: number;
  free: number;
}

/** How full each pool is. */
export function poolUse(config: Config, ips: readonly string[]): PoolUse[] {
  const taboo = [...untouchable(config)].map((ip) => parseIp(ip)!);
  return MTYPES.map((mtype) => {
    const pool = poolRange(config, mtype)!;
    const own = config.pools[mtype];
    const size = pool.last - pool.first + 1 - taboo.filter((ip) => inRange(ip, pool)).length;
    const used = ips.filter((ip) => inRange(parseIp(ip)!, pool) && !taboo.includes(parseIp(ip)!)).length;
    const shares = (MTYPES as readonly string[]).includes(own) ? (own as Mtype) : null;
    return {
      mtype,
      range: `${formatIp(pool.first)}-${formatIp(pool.last)}`,
      shares,
      size,
      used,
      free: size - used,
    };
  });
}

/** Network, broadcast and gateway addresses of the whole site. */
function untouchable(config: Config): Set<string> {
  return new Set(
    config.networks.flatMap(({ cidr, gateway }) => {
      const { first, last } = parseCidr(cidr)!;
      return [formatIp(first), formatIp(last), ...(gateway ? [gateway] : [])];
    }),
  );
}
