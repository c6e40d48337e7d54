import { inRange, parseIp } from '../../net.ts';

/** `10.1.2.3/8 via 10.0.0.1`; undefined: it is not, or the gateway is elsewhere. */
export function parseWayOut(text: string): { address: string; gateway: string } | undefined {
  const [, ip = '', prefix = '', gateway = ''] = /^([\d.]+)\/(\d{1,2}) via ([\d.]+)$/.exec(text) ?? [];
  const [own, way] = [parseIp(ip), parseIp(gateway)];
  if (own === undefined || way === undefined || own === way || Number(prefix) < 1 || Number(prefix) > 30)
    return undefined;
  const size = 2 ** (32 - Number(prefix));
  const first = Math.floor(own / size) * size;
  return inRange(way, { first, last: first + size - 1 })
    ? { address: `${ip}/${prefix}`, gateway }
    : undefined;
}

/** `pasteur=pas masters=mas`; undefined: it is not, or two are the same. */
export function parseRooms(text: string): Record<string, { prefix: string }> | undefined {
  const words = text.split(/\s+/).filter(Boolean);
  const pairs = words.map((word) => /^([a-z0-9]+)=([a-z]{1,12})$/.exec(word));
  if (pairs.length === 0 || pairs.some((pair) => pair === null)) return undefined;
  const rooms = pairs.map((pair) => [pair![1]!, { prefix: pair![2]! }] as const);
  const prefixes = new Set(rooms.map(([, { prefix }]) => prefix));
  const named = Object.fromEntries(rooms);
  return Object.keys(named).length === rooms.length && prefixes.size === rooms.length ? named : undefined;
}
