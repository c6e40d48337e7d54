import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';

export interface TftpFile {
  bytes: number;
  sha256: string;
  /** Its first bytes. */
  head: Buffer;
}

/** What a server refuses with, in its own words. */
export class TftpRefusal extends Error {}

const BLOCK = 512;
const RESEND_MS = 700;

/**
 * Fetches a file as firmware does (RFC 1350): blocks of 512 bytes, each acknowledged.
 * @throws TftpRefusal, or Error when the server falls silent
 */
export function fetchTftp(
  host: string,
  file: string,
  { port = 69, timeoutMs, signal }: { port?: number; timeoutMs: number; signal: AbortSignal },
): Promise<TftpFile> {
  const socket = createSocket('udp4');
  const hash = createHash('sha256');
  let [bytes, block, head] = [0, 0, Buffer.alloc(0)];
  /** The server answers from a port of its own. */
  let answersFrom: number | undefined;
  let last = Buffer.concat([Buffer.from([0, 1]), Buffer.from(`${file}\0octet\0`)]);
  let resend: NodeJS.Timeout | undefined;
  let late: NodeJS.Timeout | undefined;
  return new Promise<TftpFile>((resolve, reject) => {
    const send = (packet: Buffer<ArrayBuffer>): void => {
      last = packet;
      socket.send(packet, answersFrom ?? port, host);
      resend?.refresh();
    };
    resend = setInterval(() => socket.send(last, answersFrom ?? port, host), RESEND_MS);
    late = setTimeout(() => reject(new Error(`silent for ${timeoutMs / 1000} s`)), timeoutMs);
    signal.addEventListener('abort', () => reject(new Error('given up')), { once: true });
    socket.on('error', reject);
    socket.on('message', (packet, from) => {
      if (answersFrom !== undefined && from.port !== answersFrom) return;
      const kind = packet.readUInt16BE(0);
      if (kind === 5) return reject(new TftpRefusal(packet.subarray(4).toString().replace(/\0.*$/s, '')));
      if (kind !== 3) return;
      answersFrom = from.port;
      const number = packet.readUInt16BE(2);
      if (number !== ((block + 1) & 0xffff)) return;
      block = number;
      const data = packet.subarray(4);
      hash.update(data);
      if (head.length < 64) head = Buffer.concat([head, data]).subarray(0, 64);
      bytes += data.length;
      late?.refresh();
      send(Buffer.from([0, 4, packet[2]!, packet[3]!]));
      // The last acknowledgement is to be on its way before the socket closes.
      if (data.length < BLOCK) setImmediate(() => resolve({ bytes, sha256: hash.digest('hex'), head }));
    });
    send(last);
  }).finally(() => {
    clearInterval(resend);
    clearTimeout(late);
    socket.close();
  });
}
