/** DHCP packets, as a client writes and reads them. */

export interface DhcpQuery {
  mac: string;
  /** 1 DISCOVER, 3 REQUEST, 7 RELEASE … */
  type: number;
  xid: number;
  /** The address that a renewing client has. */
  ciaddr?: string;
  /** Other options: bytes by their number. */
  options?: Record<number, Buffer>;
}

export interface DhcpReply {
  /** 2 OFFER, 5 ACK, 6 NAK. */
  type: number;
  xid: number;
  mac: string;
  ip: string;
  nextServer: string;
  bootFile: string;
  options: Record<number, Buffer>;
}

const COOKIE = Buffer.from('63825363', 'hex');
const BROADCAST = 0x8000;

export function encodeQuery({ mac, type, xid, ciaddr = '0.0.0.0', options = {} }: DhcpQuery): Buffer {
  const head = Buffer.alloc(236);
  head.set([1, 1, 6, 0]);
  head.writeUInt32BE(xid, 4);
  head.writeUInt16BE(BROADCAST, 10);
  head.set(ipBytes(ciaddr), 12);
  head.set(Buffer.from(mac.replaceAll(':', ''), 'hex'), 28);
  const all: Record<number, Buffer> = { 53: Buffer.from([type]), ...options };
  const encoded = Object.entries(all).map(([code, data]) =>
    Buffer.concat([Buffer.from([Number(code), data.length]), data]),
  );
  return Buffer.concat([head, COOKIE, ...encoded, Buffer.from([255])]);
}

/** Undefined for what is no answer of a DHCP server. */
export function decodeReply(packet: Buffer): DhcpReply | undefined {
  if (packet.length < 240 || packet[0] !== 2 || !packet.subarray(236, 240).equals(COOKIE)) return undefined;
  const options = decodeOptions(packet.subarray(240));
  const file = packet.subarray(108, 236);
  return {
    type: options[53]?.[0] ?? 0,
    xid: packet.readUInt32BE(4),
    mac: packet.subarray(28, 34).toString('hex').match(/../g)!.join(':'),
    ip: ipText(packet.subarray(16, 20)),
    nextServer: ipText(packet.subarray(20, 24)),
    bootFile: file.subarray(0, (file.indexOf(0) + 129) % 129).toString(),
    options,
  };
}

/** Also for the options inside an encapsulating one. */
export function decodeOptions(data: Buffer): Record<number, Buffer> {
  const options: Record<number, Buffer> = {};
  for (let at = 0; at < data.length && data[at] !== 255;) {
    const code = data[at]!;
    if (code === 0) {
      at += 1;
      continue;
    }
    const length = data[at + 1] ?? 0;
    options[code] = Buffer.concat([options[code] ?? Buffer.alloc(0), data.subarray(at + 2, at + 2 + length)]);
    at += 2 + length;
  }
  return options;
}

export function ipBytes(ip: string): Buffer {
  return Buffer.from(ip.split('.').map(Number));
}

export function ipText(bytes: Buffer): string {
  return [...bytes].join('.');
}
