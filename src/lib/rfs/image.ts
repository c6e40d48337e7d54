import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { dirname } from 'node:path';
import { ProloError } from '../errors.ts';
import { run } from '../exec.ts';

/** What is made anew at each boot, or is no file: left out, the folders stay. */
export const LEFT_OUT = [
  'proc/*',
  'sys/*',
  'dev/*',
  'run/*',
  'run/.*',
  'tmp/*',
  'tmp/.*',
  'var/tmp/*',
  'var/tmp/.*',
  'var/cache/apt/archives/*.deb',
];
const MAKE_MS = 3600_000;
/** The gateway answers logins meanwhile. */
const NICE = ['nice', '-n', '10'];

/** How an image is packed. */
export interface Packing {
  compression: 'zstd' | 'lz4' | 'xz' | 'gzip';
  /** Of one compressed block. */
  blockBytes: number;
}

export interface ImageOptions extends Packing {
  /** A file that says which files come first, as `-sort` takes it. */
  sortFile?: string;
}

/**
 * Packs a tree into a squashfs. Files are in it in the order of their names, but for those that come first, so that the image of a tree which has hardly changed
 * is hardly another, and little of it has to be sent.
 * @throws ProloError `full`, `failed`
 */
export async function makeImage(
  tree: string,
  image: string,
  { compression, blockBytes, sortFile }: ImageOptions,
): Promise<void> {
  // Of 65,000 files, 1.57 GB, two cores: level 1 took 5.6 s for 680 MB, level 3 7.0 s for 650 MB, lz4 4.6 s for 843 MB. A hundred and
  // forty machines read it for each time that it is made. Blocks of
  // 64 KiB, 128 KiB, 256 KiB and 1 MiB differ by 8 % in size and not in time. EROFS of the same age knows lz4 only: 60 % more bytes.
  const level = levelOf(compression);
  await make(
    [
      ...['mksquashfs', tree, image, '-comp', compression, ...level, '-b', String(blockBytes)],
      ...(sortFile === undefined ? [] : ['-sort', sortFile]),
      // Small files packed together would all move when one of them grows: a third of that has to be sent for 0.6 % more bytes.
      '-no-fragments',
      // A file that cannot be read would be an empty one.
      ...['-exit-on-error', '-noappend', '-quiet', '-no-progress', '-wildcards', '-e', ...LEFT_OUT],
    ],
    image,
  );
}

const levelOf = (compression: Packing['compression']): string[] =>
  compression === 'zstd' ? ['-Xcompression-level', '3'] : [];

/** Packs some paths of a tree, and the folders that they are in. Its tables are not packed. @throws as `makeImage` */
export async function packSome(
  tree: string,
  paths: readonly string[],
  image: string,
  { compression, blockBytes }: Packing,
): Promise<void> {
  await make(
    [
      ...['mksquashfs', ...paths, image, '-tarstyle', '-comp', compression, ...levelOf(compression)],
      ...['-b', String(blockBytes), '-no-fragments', '-noI', '-noId', '-noX', '-exit-on-error', '-noappend'],
      ...['-quiet', '-no-progress', '-wildcards', '-e', ...LEFT_OUT],
    ],
    image,
    tree,
  );
}

/**
 * Makes the tree of hashes over an image that dm-verity checks each block against.
 * @returns its root, in hex
 */
export async function makeHashTree(image: string, tree: string): Promise<string> {
  const stdout = await make(['veritysetup', 'format', '--hash=sha256', image, tree], tree);
  const rootHash = /^Root hash:\s+([0-9a-f]{64})$/m.exec(stdout)?.[1];
  if (rootHash === undefined) throw new ProloError('failed', `veritysetup: no root hash in ${stdout}`);
  return rootHash;
}

/** Reads all of an image. @throws ProloError `failed` where the tree is of other bytes */
export async function mustBeHashTree(image: string, tree: string, rootHash: string): Promise<void> {
  const { exitCode, stderr } = await run([...NICE, 'veritysetup', 'verify', image, tree, rootHash], {
    timeoutMs: MAKE_MS,
  });
  if (exitCode === 0) return;
  throw new ProloError('failed', `image ${image}: its hashes are not of its bytes: ${stderr.trim()}`, {
    hint: '`prolo rfs commit --repack` makes it of all that is in staging; is the memory or the disk of this machine bad?',
  });
}

async function make(argv: readonly string[], file: string, cwd?: string): Promise<string> {
  const where = cwd === undefined ? {} : { cwd };
  const { exitCode, stdout, stderr } = await run([...NICE, ...argv], { timeoutMs: MAKE_MS, ...where });
  const words = `${stderr}\n${stdout}`;
  if (/no space left|ENOSPC/i.test(words))
    throw new ProloError('full', `folder ${dirname(file)}: no space left while ${argv[0]} wrote a version`, {
      hint: '`prolo rfs prune` takes away versions that nobody boots',
    });
  if (exitCode === 0) return stdout;
  throw new ProloError(
    'failed',
    `program ${argv[0]}: exit status ${exitCode}: ${words.trim().split('\n').slice(-3).join('; ')}`,
  );
}

/** A file's length and SHA-256. */
export async function hashFile(file: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** A file's SHA-256, by a program: this process does other things meanwhile. */
export async function sha256Of(file: string): Promise<string> {
  const done = await run(['openssl', 'dgst', '-r', '-sha256', file], { timeoutMs: MAKE_MS }).catch(
    () => undefined,
  );
  const sum = done?.exitCode === 0 ? /^[0-9a-f]{64}/.exec(done.stdout)?.[0] : undefined;
  return sum ?? (await hashFile(file)).sha256;
}
