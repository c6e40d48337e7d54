import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { runFed } from '../exec.ts';
import { packageRoot } from '../package-root.ts';
import type { Remote } from './distribute.ts';
import type { Delta } from './increment.ts';
import { type Manifest, MANIFEST, SIGNATURE, VERSION_FILES, type VersionFile } from './manifest.ts';
import { receiveScript } from './remote-scripts.ts';
import type { Progress } from './rsync-progress.ts';
import { SUPERBLOCK_BYTES } from './squashfs/superblock.ts';

const DELIVER_MS = 3600_000;
const CHUNK = 1024 ** 2;
/** So often a server hears that there is more to come. */
const WAIT_MS = 20_000;

/** What a version that is not signed yet is made of. */
export interface Unsigned {
  /** Where its files are. */
  folder: string;
  delta: Delta;
  /** Those that are byte for byte what the version before has. */
  same: readonly VersionFile[];
}

/** A version on its way to a server that has the one before it: begun before it is made, so that the server copies that one meanwhile. */
export interface Delivery {
  /** It is made. */
  send(made: Unsigned): void;
  /** It is signed, and in its folder. @returns whether the server has it, as `bringVersion` would have brought it; else it has nothing of it */
  finish(manifest: Manifest): Promise<boolean>;
  /** It is not to be there. Resolves once nothing of it is on its way any more. */
  cancel(): Promise<void>;
}

/** @param dir of versions, here and there */
export function beginDelivery(
  remote: Remote,
  dir: string,
  version: number,
  before: Manifest,
  expectedBytes: number,
  onStep: (what: string) => void = () => undefined,
  onProgress: (progress: Progress) => void = () => undefined,
): Delivery {
  const made = createPromise<Unsigned>();
  const signed = createPromise<Manifest>();
  async function* talk(): AsyncGenerator<Buffer> {
    yield* waitFor(made.promise);
    const { folder, delta, same } = await made.promise;
    // A server that cannot do it has ended by now, and takes no more than this.
    yield line('size', 'root.img', delta.from);
    onStep('copying');
    yield* changes(folder, delta, same, onProgress);
    onStep('hashing');
    yield line('hash', ...VERSION_FILES);
    yield* waitFor(signed.promise);
    const { files } = await signed.promise;
    for (const name of [MANIFEST, SIGNATURE]) {
      const bytes = await readFile(join(dir, String(version), name));
      yield Buffer.concat([line('bytes', name, 0, bytes.length), bytes]);
    }
    yield line('name', ...VERSION_FILES.map((name) => files[name].sha256));
  }
  const base = { version: before.version, imageBytes: before.files['root.img'].bytes };
  const program = readFile(join(packageRoot, 'templates/rfs/receive.pl'), 'utf8');
  const run = async (): Promise<boolean> => {
    const script = receiveScript(
      dir,
      version,
      base,
      expectedBytes,
      (await program).replace(/^\s*#.*\n/gm, ''),
    );
    const { exitCode, stdout } = await runFed([...remote.ssh, remote.at, script], talk(), {
      timeoutMs: DELIVER_MS,
    });
    return exitCode === 0 && stdout === 'named\n';
  };
  const done = run().catch(() => false);
  return {
    send: made.resolve,
    finish(manifest) {
      signed.resolve(manifest);
      return done;
    },
    async cancel() {
      const error = new Error('cancelled');
      made.reject(error);
      signed.reject(error);
      await done;
    },
  };
}

const line = (...words: (string | number)[]): Buffer => Buffer.from(`${words.join(' ')}\n`);

async function* waitFor(promise: Promise<unknown>): AsyncGenerator<Buffer> {
  for (;;) {
    const pause = new AbortController();
    const isOver = setTimeout(WAIT_MS, false, { signal: pause.signal });
    isOver.catch(() => undefined);
    try {
      if (await Promise.race([promise.then(() => true), isOver])) return;
    } finally {
      pause.abort();
    }
    yield line('wait');
  }
}

/** What receive.pl is told; of files that are being written nothing is open any more. */
async function* changes(
  folder: string,
  delta: Delta,
  same: readonly VersionFile[],
  onProgress: (progress: Progress) => void,
): AsyncGenerator<Buffer> {
  const names = VERSION_FILES.filter((name) => name !== 'root.img' && !same.includes(name));
  const files = new Map<VersionFile, FileHandle>();
  // The folder gets another name while they are sent.
  for (const name of ['root.img', ...names] as const) files.set(name, await open(join(folder, name)));
  try {
    const parts: { name: VersionFile; start: number; end: number }[] = [
      { name: 'root.img', start: delta.from, end: delta.bytes },
      { name: 'root.img', start: 0, end: SUPERBLOCK_BYTES },
    ];
    for (const name of names) parts.push({ name, start: 0, end: (await files.get(name)!.stat()).size });
    const total = parts.reduce((sum, { start, end }) => sum + end - start, 0);
    const beganMs = performance.now();
    let sent = 0;
    for (const name of same) yield line('copy', name);
    for (const { start, end } of delta.zeroed) yield line('zero', 'root.img', start, end - start);
    for (const { name, start, end } of parts) {
      yield line('bytes', name, start, end - start);
      for (let at = start; at < end;) {
        const { bytesRead, buffer } = await files
          .get(name)!
          .read(Buffer.allocUnsafe(CHUNK), 0, Math.min(CHUNK, end - at), at);
        if (bytesRead === 0) throw new Error(`${name}: it became shorter`);
        yield buffer.subarray(0, bytesRead);
        at += bytesRead;
        sent += bytesRead;
        const part = sent / total;
        const secondsLeft = ((performance.now() - beganMs) / 1000) * (1 / part - 1);
        onProgress({ bytes: sent, part, secondsLeft });
      }
    }
  } finally {
    for (const file of files.values()) await file.close();
  }
}

function createPromise<T>() {
  let [resolve, reject]: [(value: T) => void, (error: Error) => void] = [() => undefined, () => undefined];
  const promise = new Promise<T>((yes, no) => ([resolve, reject] = [yes, no]));
  promise.catch(() => undefined); // whoever waits for it hears of it
  return { promise, resolve, reject };
}
