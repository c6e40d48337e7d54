import { connect } from 'node:net';

/** NFS 4's words for what a folder can be. */
const STATUS: Record<number, string> = {
  1: 'this host may not see it',
  2: 'it is not exported',
  5: 'the disk of the server fails',
  13: 'this host may not see it',
  10016: 'the server wants other proofs of who asks',
  10021: 'the server speaks no NFS 4.0',
};
/** Operations of a COMPOUND (RFC 7530). */
const [GETFH, LOOKUP, PUTROOTFH, READ] = [10, 15, 24, 25];
const READ_BYTES = 4096;

/**
 * Asks a file server for a folder as a client does that mounts it, or for the beginning of a file.
 * @param read the path is a file's, which is to be read
 * @returns why it could not be mounted, or read; undefined: it can be
 */
export async function askExport(
  host: string,
  path: string,
  {
    port = 2049,
    timeoutMs,
    signal,
    read = false,
  }: { port?: number; timeoutMs: number; signal: AbortSignal; read?: boolean },
): Promise<string | undefined> {
  const reply = await exchange(host, port, lookup(path, read), timeoutMs, signal);
  const accepted = reply.readUInt32BE(4) === 1 && reply.readUInt32BE(8) === 0;
  if (!accepted) return 'the server refuses this host';
  const verifier = reply.readUInt32BE(16);
  const at = 20 + verifier;
  if (reply.readUInt32BE(at) !== 0) return 'no NFS 4 server answers there';
  const status = reply.readUInt32BE(at + 4);
  if (status === 2 && read) return 'it is not there';
  return status === 0 ? undefined : (STATUS[status] ?? `the server says ${status}`);
}

function lookup(path: string, read: boolean): Buffer {
  const names = path.split('/').filter((name) => name !== '');
  const operations = [
    number(PUTROOTFH),
    ...names.map((name) => Buffer.concat([number(LOOKUP), text(name)])),
    // With the state of nobody, which needs no opening; from its beginning.
    read ? Buffer.concat([number(READ), Buffer.alloc(16 + 8), number(READ_BYTES)]) : number(GETFH),
  ];
  const who = Buffer.concat([number(0), text('doctor'), number(0), number(0), number(0)]);
  const call = Buffer.concat([
    ...[1, 0, 2, 100_003, 4, 1].map(number), // xid, call, RPC 2, NFS 4, COMPOUND
    ...[number(1), number(who.length), who], // AUTH_SYS
    ...[number(0), number(0)],
    ...[text(''), number(0), number(operations.length)],
    ...operations,
  ]);
  return Buffer.concat([number(0x80000000 + call.length), call]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number(bytes.length), bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

/** Tries of ports of our own; one that was used within the last minute may be refused. */
const TRIES = 8;

/**
 * Servers answer root's ports only, unless told otherwise.
 * @throws what the socket says, or that nothing came in time
 */
async function exchange(
  host: string,
  port: number,
  call: Buffer,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const isRoot = process.getuid?.() === 0;
  for (let tries = 1; ; tries++)
    try {
      const localPort = isRoot && tries < TRIES ? { localPort: 700 + Math.floor(Math.random() * 300) } : {};
      return await exchangeFrom({ host, port, ...localPort }, call, timeoutMs, signal);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code !== 'EADDRNOTAVAIL' && code !== 'EADDRINUSE') || tries === TRIES) throw error;
    }
}

function exchangeFrom(
  to: { host: string; port: number; localPort?: number },
  call: Buffer,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Buffer> {
  return new Promise<Buffer>((resolve, reject) => {
    const socket = connect(to);
    const late = setTimeout(() => socket.destroy(new Error(`silent for ${timeoutMs / 1000} s`)), timeoutMs);
    signal.addEventListener('abort', () => socket.destroy(new Error('given up')), { once: true });
    let got = Buffer.alloc(0);
    socket.on('connect', () => socket.write(call));
    socket.on('data', (part: Buffer) => {
      got = Buffer.concat([got, part]);
      const length = got.length >= 4 ? got.readUInt32BE(0) & 0x7fffffff : Infinity;
      if (got.length < 4 + length) return;
      if (length < 28) reject(new Error('something else answers there'));
      else resolve(got.subarray(4, 4 + length));
      socket.resetAndDestroy(); // or the port is not free for a minute
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(late);
      reject(new Error('it hung up'));
    });
  });
}
