import { PassThrough } from 'node:stream';
import { rm } from 'node:fs/promises';
import { ProloError } from '../../errors.ts';
import { run, runFed, runOk } from '../../exec.ts';
import { formatSize } from '../../hfs/size.ts';
import { complaintOf, isFullDisk } from './last-words.ts';

const NO_LIMIT_MS = 2 ** 31 - 1;
/** Of tar, which keeps names and headers in memory, as long as the machine says they are. */
const MEMORY_BYTES = 128 * 1024 ** 2;

/** A machine's archive on its way into a new folder that nobody else looks into. */
export interface Unpacking {
  /** Resolves when more can be taken. @throws ProloError when no more will be */
  write(chunk: Buffer): Promise<void>;
  /** After the last byte. @returns how many devices, pipes and the like were left out. @throws ProloError */
  finish(): Promise<number>;
  /** Resolves when nothing is left of it. */
  cancel(): Promise<void>;
}

/**
 * What the machine sends can do no more than fill that folder, `maxBytes` at most, and no file larger than that: the folder is
 * new, so it has no links to follow; GNU tar takes no name that leads out of it, and makes links that do when all else is done;
 * owners, and the bits that lend them, are not taken, devices do not stay.
 */
export function startUnpacking(dir: string, maxBytes: number): Unpacking {
  const stream = new PassThrough();
  stream.on('error', () => undefined);
  const limits = ['prlimit', `--fsize=${maxBytes}`, `--as=${MEMORY_BYTES}`, '--core=0'];
  const tar = ['tar', '-x', '--no-same-owner', '--no-same-permissions', '-f', '-', '-C', dir];
  const program = runFed([...limits, ...tar], stream, {
    env: { LC_ALL: 'C', TAR_OPTIONS: '' },
    timeoutMs: NO_LIMIT_MS,
  });
  const done = program.catch((error: Error) => {
    throw error.message.includes('SIGXFSZ') ? tooMuch(maxBytes) : error;
  });
  done.catch(() => undefined);
  const unpacked = async (): Promise<void> => {
    const { exitCode, stderr } = await done;
    if (isFullDisk(stderr)) throw new ProloError('full', 'no space is left on the disk here');
    if (exitCode !== 0)
      throw new ProloError('failed', `what it sent is refused: ${complaintOf(stderr) ?? exitCode}`);
  };
  let bytes = 0;
  return {
    async write(chunk) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooMuch(maxBytes);
      if (stream.destroyed) return unpacked();
      if (!stream.write(chunk)) await drained(stream);
    },
    async finish() {
      stream.end();
      await unpacked();
      return clean(dir);
    },
    async cancel() {
      stream.destroy(new Error('cancelled'));
      await done.catch(() => undefined);
      await openFolders(dir);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function tooMuch(maxBytes: number): ProloError {
  return new ProloError('full', `it has more than ${formatSize(maxBytes)} to send (--max-bytes)`);
}

function drained(stream: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}

/** @returns how many were neither files, folders nor links, and are gone */
async function clean(dir: string): Promise<number> {
  await openFolders(dir);
  const others = ['!', '-type', 'f', '!', '-type', 'd', '!', '-type', 'l'];
  const { stdout } = await runOk(['find', dir, '-mindepth', '1', ...others, '-printf', 'x', '-delete'], {
    timeoutMs: 0,
  });
  return stdout.length;
}

/** So that whoever fetched them can look into them, and remove them. */
async function openFolders(dir: string): Promise<void> {
  await run(['find', dir, '-type', 'd', '!', '-perm', '-700', '-exec', 'chmod', 'u+rwx', '{}', ';'], {
    timeoutMs: 0,
  });
}
