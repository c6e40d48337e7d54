import { formatIp, inRange, parseCidr, type Range } from '../net.ts';
import type { Config, NetworkConfig } from '../site/schema.ts';
import type { Host } from './hosts.ts';
import type { DnsRecord, Zone } from './zone.ts';

/**
 * A view's zones: the domain with `forward`, and for `reverse` one zone for every /24 of the networks (every /16 of one
 * that is larger than a /17, every /8 of one larger than a /9), empty or not. Of two names for one address the first is
 * what it is called.
 */
export function zonesOf(
  config: Config,
  view: string,
  forward: readonly Host[],
  reverse: readonly Host[],
  networks: readonly NetworkConfig[],
): Zone[] {
  const { domain, gateway, dns } = config;
  const zone = (origin: string, records: readonly DnsRecord[]): Zone => ({
    view,
    origin,
    file: `zones/${view}/${origin}.zone`,
    domain,
    server: `${gateway}.${domain}`,
    ttlSeconds: dns.ttlSeconds,
    records,
  });
  const addresses = forward.map(({ name, ip, owner }): DnsRecord => ({
    name,
    type: 'A',
    data: formatIp(ip),
    owner,
  }));
  return [
    zone(domain, addresses),
    ...[...pointers(domain, reverse, networks)].map(([origin, records]) => zone(origin, records)),
  ];
}

function pointers(
  domain: string,
  hosts: readonly Host[],
  networks: readonly NetworkConfig[],
): Map<string, DnsRecord[]> {
  const ranges = networks.map(({ cidr }) => parseCidr(cidr)!);
  const zones = new Map<string, DnsRecord[]>();
  for (const range of ranges) for (const origin of reverseOrigins(range)) zones.set(origin, []);
  const pointed = new Set<number>();
  for (const { name, ip, owner } of [...hosts].sort((a, b) => a.ip - b.ip)) {
    const range = ranges.find((candidate) => inRange(ip, candidate));
    if (!range || pointed.has(ip)) continue;
    pointed.add(ip);
    const parts = formatIp(ip).split('.');
    const cut = fixedParts(range);
    zones.get(reverseName(parts.slice(0, cut)))!.push({
      name: parts.slice(cut).reverse().join('.'),
      type: 'PTR',
      data: `${name}.${domain}`,
      owner,
    });
  }
  return zones;
}

/** How many of an address's four numbers name its reverse zone. */
function fixedParts({ prefix }: { prefix: number }): number {
  return prefix > 16 ? 3 : prefix > 8 ? 2 : 1;
}

function reverseOrigins(range: Range & { prefix: number }): string[] {
  const cut = fixedParts(range);
  const step = 256 ** (4 - cut);
  const origins: string[] = [];
  for (let at = range.first - (range.first % step); at <= range.last; at += step)
    origins.push(reverseName(formatIp(at).split('.').slice(0, cut)));
  return origins;
}

function reverseName(parts: readonly string[]): string {
  return `${[...parts].reverse().join('.')}.in-addr.arpa`;
}
