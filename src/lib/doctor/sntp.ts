import { createSocket } from 'node:dgram';

export interface TimeAnswer {
  /** How far their clock is ahead of ours. */
  offsetMs: number;
  roundTripMs: number;
  /** 16: it has no time itself. */
  stratum: number;
}

/** Seconds from 1900 to 1970. */
const EPOCH = 2_208_988_800;

/** One question to a time server (RFC 4330). Undefined: no answer in time. @throws what the socket says, such as that nobody listens */
export function askTime(
  host: string,
  { port = 123, timeoutMs, signal }: { port?: number; timeoutMs: number; signal: AbortSignal },
): Promise<TimeAnswer | undefined> {
  const socket = createSocket('udp4');
  return new Promise<TimeAnswer | undefined>((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
    socket.once('close', () => clearTimeout(timer));
    socket.on('error', reject);
    let sentMs = 0;
    const query = Buffer.alloc(48);
    socket.on('message', (packet) => {
      const gotMs = Date.now();
      // The time that we sent comes back: nobody else knows it.
      if (packet.length >= 48 && packet.subarray(24, 32).equals(query.subarray(40, 48)))
        resolve(readAnswer(packet, sentMs, gotMs));
    });
    socket.connect(port, host, () => {
      sentMs = Date.now();
      query[0] = 0x23; // version 4, client
      query.writeUInt32BE(Math.floor(sentMs / 1000) + EPOCH, 40);
      query.writeUInt32BE(Math.floor(((sentMs % 1000) / 1000) * 2 ** 32), 44);
      socket.send(query);
    });
  }).finally(() => socket.close());
}

function readAnswer(packet: Buffer, sentMs: number, gotMs: number): TimeAnswer {
  const timeAt = (at: number): number =>
    (packet.readUInt32BE(at) - EPOCH) * 1000 + (packet.readUInt32BE(at + 4) / 2 ** 32) * 1000;
  const [receivedMs, answeredMs] = [timeAt(32), timeAt(40)];
  return {
    offsetMs: Math.round((receivedMs - sentMs + (answeredMs - gotMs)) / 2),
    roundTripMs: Math.round(gotMs - sentMs - (answeredMs - receivedMs)),
    stratum: packet[0]! >> 6 === 3 ? 16 : packet[1]!,
  };
}
