import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';

export interface Offer {
  /** The server that makes it, as it names itself. */
  server: string;
  /** Where the packet came from. */
  from: string;
  /** What it offers. */
  ip: string;
}

const COOKIE = Buffer.from('63825363', 'hex');
const [DISCOVER, OFFER] = [1, 2];

/**
 * Asks on the wire for an address, takes none, and hears who offers one. Needs root.
 * @param source an address of this host on that wire: what is bound to it goes out there
 * @throws what the socket says: EACCES, EADDRINUSE
 */
export async function discover(
  source: string,
  { mac, waitMs, signal }: { mac: string; waitMs: number; signal: AbortSignal },
): Promise<Offer[]> {
  const xid = randomInt(2 ** 32 - 1);
  const offers = new Map<string, Offer>();
  // Answers are broadcast, and come to no socket that has an address.
  const [ear, mouth] = [
    createSocket({ type: 'udp4', reuseAddr: true }),
    createSocket({ type: 'udp4', reuseAddr: true }),
  ];
  const hear = (packet: Buffer, { address }: { address: string }): void => {
    const offer = readOffer(packet, xid, address);
    if (offer) offers.set(`${offer.server} ${offer.from}`, offer);
  };
  let resend: NodeJS.Timeout | undefined;
  try {
    await bind(ear.on('message', hear), '0.0.0.0');
    await bind(mouth.on('message', hear), source);
    mouth.setBroadcast(true);
    await new Promise<void>((resolve, reject) => {
      for (const socket of [ear, mouth]) socket.on('error', reject);
      const send = (): void => mouth.send(query(mac, xid), 67, '255.255.255.255');
      send();
      resend = setInterval(send, waitMs / 2);
      setTimeout(resolve, waitMs);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    clearInterval(resend);
    ear.close();
    mouth.close();
  }
  return [...offers.values()];
}

function bind(socket: Socket, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(68, address, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

function query(mac: string, xid: number): Buffer {
  const packet = Buffer.alloc(300); // servers drop what is shorter
  packet.set([1, 1, 6, 0]);
  packet.writeUInt32BE(xid, 4);
  packet.writeUInt16BE(0x8000, 10); // answer by broadcast
  packet.set(Buffer.from(mac.replaceAll(':', ''), 'hex'), 28);
  packet.set(COOKIE, 236);
  packet.set([53, 1, DISCOVER, 55, 3, 1, 3, 54, 255], 240);
  return packet;
}

/** Undefined: it is none, or no answer to us. */
export function readOffer(packet: Buffer, xid: number, from: string): Offer | undefined {
  if (packet.length < 240 || packet[0] !== 2 || packet.readUInt32BE(4) !== xid) return undefined;
  if (!packet.subarray(236, 240).equals(COOKIE)) return undefined;
  let [kind, server] = [0, from];
  for (let at = 240; at + 1 < packet.length && packet[at] !== 255;) {
    if (packet[at] === 0) {
      at++;
      continue;
    }
    const value = packet.subarray(at + 2, at + 2 + packet[at + 1]!);
    if (packet[at] === 53) kind = value[0] ?? 0;
    if (packet[at] === 54 && value.length === 4) server = [...value].join('.');
    at += 2 + packet[at + 1]!;
  }
  return kind === OFFER ? { server, from, ip: [...packet.subarray(16, 20)].join('.') } : undefined;
}
