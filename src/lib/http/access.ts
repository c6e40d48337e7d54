import { inRange, parseCidr, parseIp, type Range } from '../net.ts';
import type { Config } from '../site/schema.ts';

/** Networks that may speak to a daemon: `allow`, or the networks of machines; loopback always. */
export function allowedNetworks(config: Config, aliens: boolean): Range[] {
  const named =
    config.allow.length > 0
      ? config.allow
      : config.networks.filter((network) => network.role === 'machines').map(({ cidr }) => cidr);
  const strangers = aliens
    ? config.networks.filter((network) => network.role === 'alien').map(({ cidr }) => cidr)
    : [];
  return ['127.0.0.0/8', ...named, ...strangers].map((cidr) => parseCidr(cidr)!);
}

/** Whether an address (IPv4, IPv4-mapped, or `::1`) is in one of the networks. */
export function isAllowed(networks: readonly Range[], address: string): boolean {
  if (address === '::1') return true;
  const ip = parseIp(address.replace(/^::ffff:/, ''));
  return ip !== undefined && networks.some((network) => inRange(ip, network));
}

/** Like `isAllowed`, for those who ask again and again. */
export function createAccess(networks: readonly Range[]): (address: string) => boolean {
  const known = new Map<string, boolean>();
  return (address) => {
    let allowed = known.get(address);
    if (allowed === undefined) {
      allowed = isAllowed(networks, address);
      if (known.size > 10_000) known.clear();
      known.set(address, allowed);
    }
    return allowed;
  };
}
