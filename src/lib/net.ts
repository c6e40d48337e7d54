/** IPv4 addresses as numbers: the one place that knows about networks and ranges. */

/** `192.168.0.1` as an unsigned 32-bit number, or undefined when the text is not a dotted IPv4 address. */
export function parseIp(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

export function formatIp(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}

/** Both ends are included. For a network: its own address and its broadcast address. */
export interface Range {
  first: number;
  last: number;
}

/** `192.168.0.0/23` (host bits must be zero), or undefined. */
export function parseCidr(text: string): (Range & { prefix: number }) | undefined {
  const match = /^([\d.]+)\/(\d|[12]\d|3[0-2])$/.exec(text);
  const first = match && parseIp(match[1]!);
  if (first === undefined || first === null) return undefined;
  const prefix = Number(match![2]);
  const size = 2 ** (32 - prefix);
  return first % size === 0 ? { first, last: first + size - 1, prefix } : undefined;
}

/** `192.168.0.1-192.168.0.253`, or undefined; an empty range is not one. */
export function parseRange(text: string): Range | undefined {
  const [from = '', to = '', rest] = text.split('-').map((part) => part.trim());
  const first = parseIp(from);
  const last = parseIp(to);
  return rest !== undefined || first === undefined || last === undefined || last < first
    ? undefined
    : { first, last };
}

export function inRange(ip: number, range: Range): boolean {
  return range.first <= ip && ip <= range.last;
}

export function netmask(prefix: number): string {
  return formatIp(prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0);
}

/** `40000-49999` as two ports, or undefined. */
export function parsePorts(text: string): Range | undefined {
  const match = /^(\d{4,5})-(\d{4,5})$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  return match && first >= 1024 && first <= last && last <= 65535 ? { first, last } : undefined;
}

/** Whether an address is this host's own alone. */
export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
