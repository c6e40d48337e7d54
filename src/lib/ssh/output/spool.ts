import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../../errors.ts';

/** So much of an output stays in memory; what is longer goes to a file. */
const MEMORY_BYTES = 64 * 1024;
const WRITE_BYTES = 128 * 1024;
const MAX_PARTS = 256;

/** On a disk: /tmp may be memory. */
export function spoolDir(): string {
  return process.env.TMPDIR ?? '/var/tmp';
}

/** One output of one machine, of any length: kept to be compared and shown when all is over. */
export interface Spool {
  add(chunk: Buffer): void | Promise<void>;
  readonly bytes: number;
  /** Of all of it; nothing can be added afterwards. */
  digest(): string;
  read(): AsyncIterable<Buffer>;
  /** A path under which another program can read it. */
  path(): Promise<string>;
  close(): Promise<void>;
}

/** The file has no name: the system removes it when this process ends, however it ends. */
export function createSpool(dir: string = spoolDir()): Spool {
  const hash = createHash('sha256');
  let digest: string | undefined;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let bytes = 0;
  let file: FileHandle | undefined;
  const flush = async (): Promise<FileHandle> => {
    const parts = waiting;
    [waiting, waitingBytes] = [[], 0];
    file ??= await openUnnamed(dir);
    for (let rest = Buffer.concat(parts); rest.length > 0;)
      rest = rest.subarray((await file.write(rest)).bytesWritten);
    return file;
  };
  return {
    add(chunk) {
      hash.update(chunk);
      waiting.push(chunk);
      waitingBytes += chunk.length;
      bytes += chunk.length;
      if (waiting.length > MAX_PARTS) waiting = [Buffer.concat(waiting)]; // small ones cost more than their bytes
      if (waitingBytes > (file ? WRITE_BYTES : MEMORY_BYTES)) return flush().then(() => undefined);
    },
    get bytes() {
      return bytes;
    },
    digest: () => (digest ??= hash.digest('hex')),
    async *read() {
      const waitingNow = waiting;
      for (let at = 0; file;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(MEMORY_BYTES), 0, MEMORY_BYTES, at);
        if (bytesRead === 0) break;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
      yield* waitingNow;
    },
    path: async () => `/proc/${process.pid}/fd/${(await flush()).fd}`,
    async close() {
      [waiting, waitingBytes] = [[], 0];
      await file?.close();
      file = undefined;
    },
  };
}

async function openUnnamed(dir: string): Promise<FileHandle> {
  const path = join(dir, `.prolo-${randomBytes(8).toString('hex')}`);
  try {
    const file = await open(path, 'wx+', 0o600);
    await unlink(path);
    return file;
  } catch (cause) {
    throw new ProloError('unavailable', `${dir}: output cannot be kept there: ${(cause as Error).message}`, {
      hint: 'name a folder on a disk with TMPDIR',
      cause,
    });
  }
}
