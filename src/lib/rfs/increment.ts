import { constants, copyFile, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk } from '../exec.ts';
import type { Base } from './base.ts';
import { LEFT_OUT, packSome, sha256Of } from './image.ts';
import { leftOutBy, parseFacts } from './squashfs/facts.ts';
import { type FileInode, type Inode, KIND } from './squashfs/inodes.ts';
import { parentOf, planTree, type TreePlan, whyAnew } from './squashfs/plan.ts';
import { merge, type Range, sizeOf, without } from './squashfs/ranges.ts';
import { type ImageTables, readTables } from './squashfs/read.ts';
import { SUPERBLOCK_BYTES, ZSTD } from './squashfs/superblock.ts';
import { type Node, renderTables, storedRange } from './squashfs/write.ts';

/** How an image differs from the one that it was made from. */
export interface Delta {
  /** The version of that. */
  base: number;
  /** What is zero now. */
  zeroed: Range[];
  /** All from here on is new, and the superblock is. */
  from: number;
  bytes: number;
}

export interface IncrementOptions {
  staging: string;
  /** What `find` said of it. */
  facts: Buffer;
  base: Base;
  blockBytes: number;
  image: string;
  /** A folder for files that come and go. */
  work: string;
  madeAt: Date;
}

const COPY_MS = 3600_000;

/** Why there is no such image; a whole one is to be made. */
export class NotIncremental extends Error {}

/**
 * Makes an image of a tree out of the one of an earlier state: what has not changed stays where it is, packed as it is; what is of
 * no file any more becomes zeros; new data and new tables come behind.
 * @throws NotIncremental where that cannot be, or does not pay
 */
export async function makeIncrement(options: IncrementOptions): Promise<Delta> {
  const { staging, facts, base, image, work, madeAt } = options;
  const from = join(base.folder, 'root.img');
  const sound = sha256Of(from).then(
    (sum) => sum === base.manifest.files['root.img'].sha256,
    () => false,
  );
  const copied = copyImage(from, image);
  copied.catch(() => undefined); // heard of below
  const small = join(work, 'some.img');
  try {
    const [old, plan] = [
      await readTables(from, work),
      planTree(parseFacts(facts, base.before), leftOutBy(LEFT_OUT)),
    ];
    const { superblock } = old;
    if (
      superblock.compression !== ZSTD ||
      superblock.blockBytes !== options.blockBytes ||
      superblock.fragments > 0
    )
      throw new NotIncremental('the last image is packed in another way');
    const kept = merge(rangesOf(plan.files.flatMap((file) => (file.kept ? [inodeOf(old, file.path)] : []))));
    const why = whyAnew(plan, superblock.inodeTable - SUPERBLOCK_BYTES, sizeOf(kept));
    if (why !== undefined) throw new NotIncremental(why);
    const some = plan.packed.length > 0 ? await packChanged(staging, small, plan.packed, options) : undefined;
    const added = merge(
      rangesOf(some ? plan.files.flatMap((file) => (file.kept ? [] : [inodeOf(some, file.path)])) : []),
    );
    const moved = places(added, superblock.inodeTable);
    const root = joinTree(plan, old, some, moved);
    const dataEnd = superblock.inodeTable + sizeOf(added);
    const rendered = await renderTables(root, dataEnd, superblock, Math.floor(madeAt.getTime() / 1000), work);
    const zeroed = without(merge(rangesOf([...old.inodes.values()])), kept);
    await copied;
    const bytes = Math.ceil((dataEnd + rendered.tables.length) / 4096) * 4096;
    const file = await open(image, 'r+');
    try {
      await file.truncate(superblock.inodeTable);
      for (const { start, end } of zeroed)
        for (let at = start; at < end; at += CHUNK)
          await writeAll(file, Buffer.alloc(Math.min(CHUNK, end - at)), at);
      if (added.length > 0) await copyRanges(small, file, added, superblock.inodeTable);
      await writeAll(file, rendered.tables, dataEnd);
      await writeAll(file, rendered.superblock, 0);
      await file.truncate(bytes);
    } finally {
      await file.close();
    }
    if (!(await sound)) throw new NotIncremental('the last image is damaged here');
    return { base: base.manifest.version, zeroed, from: superblock.inodeTable, bytes };
  } catch (error) {
    const [copy] = await Promise.allSettled([copied, sound]);
    if (copy.status === 'rejected')
      throw new NotIncremental('the last image could not be copied', { cause: error });
    // What cannot be done otherwise either is said by that.
    if (error instanceof NotIncremental) throw error;
    throw new NotIncremental((error as Error).message, { cause: error });
  } finally {
    await rm(small, { force: true });
  }
}

/** Where files can share what they have in common, as on XFS and Btrfs, nothing is copied. */
async function copyImage(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE);
  } catch {
    await runOk(['dd', `if=${from}`, `of=${to}`, 'bs=1M', 'status=none'], { timeoutMs: COPY_MS });
  }
}

function rangesOf(inodes: readonly Inode[]): Range[] {
  return inodes.flatMap((inode) => (inode.kind === KIND.file ? [storedRange(inode)] : []));
}

function inodeOf({ inodes }: ImageTables, path: string): Inode {
  const inode = inodes.get(path);
  if (!inode) throw new NotIncremental(`an image lacks ${path}`);
  return inode;
}

const LONGEST_ARGV = 1_000_000;

async function packChanged(
  staging: string,
  image: string,
  paths: readonly string[],
  { blockBytes, work }: IncrementOptions,
): Promise<ImageTables> {
  const names = paths.map((path) => Buffer.from(path, 'latin1').toString());
  const isOdd = (name: string): boolean => name === '' || name.startsWith('-') || name.includes('\ufffd');
  if (names.some(isOdd)) throw new NotIncremental('a name that no program can be told');
  if (names.reduce((bytes, name) => bytes + Buffer.byteLength(name) + 9, 0) > LONGEST_ARGV)
    throw new NotIncremental('much has changed');
  await packSome(staging, names, image, { compression: 'zstd', blockBytes });
  return readTables(image, work);
}

/** Where ranges come to lie, one behind the other. */
function places(ranges: readonly Range[], begin: number): (at: number) => number {
  let next = begin;
  const starts = ranges.map(({ start, end }) => {
    const to = next;
    next += end - start;
    return { start, to };
  });
  return (at) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]!.start <= at) low = middle;
      else high = middle - 1;
    }
    const { start, to } = starts[low]!;
    return at - start + to;
  };
}

const LETTERS: Record<string, number> = {
  d: KIND.folder,
  f: KIND.file,
  l: KIND.link,
  b: KIND.block,
  c: KIND.character,
  p: KIND.pipe,
  s: KIND.socket,
};

/** What is kept as the old image has it, all else as the one of the changed files has it. */
function joinTree(
  { files }: TreePlan,
  old: ImageTables,
  some: ImageTables | undefined,
  moved: (at: number) => number,
): Node {
  const folders = new Map<string, Node>();
  const byInode = new Map<string, Node>();
  for (const { path, kind, kept, bytes, inode: number } of files) {
    const tables = kept ? old : some;
    if (!tables) throw new NotIncremental(`nothing says what ${path} is`);
    const known = kind === 'd' ? undefined : byInode.get(number);
    const inode = known?.inode ?? inodeOf(tables, path);
    if (inode.kind !== LETTERS[kind]) throw new NotIncremental(`${path} is of another kind in an image`);
    if (inode.kind === KIND.file && inode.bytes !== bytes)
      throw new NotIncremental(`${path} is of another length in an image`);
    const node: Node = known ?? {
      inode:
        !kept && inode.kind === KIND.file && isStored(inode.blocks)
          ? { ...inode, start: moved(inode.start) }
          : inode,
      owners: tables.owners,
      xattrs: tables.xattrs,
      ...(kind === 'd' ? { children: [] } : {}),
    };
    if (kind === 'd') folders.set(path, node);
    else byInode.set(number, node);
    const parent = parentOf(path);
    if (parent !== undefined)
      folders.get(parent)!.children!.push({ name: path.slice(path.lastIndexOf('/') + 1), node });
  }
  for (const { children } of folders.values())
    children!.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const root = folders.get('');
  if (!root) throw new NotIncremental('a tree without a root');
  return root;
}

/** Whether any of its blocks lies in the image: a hole has the length 0. */
function isStored({ table, at, bytes }: FileInode['blocks']): boolean {
  return table.subarray(at, at + bytes).some((byte) => byte !== 0);
}

const CHUNK = 4 * 1024 ** 2;

async function copyRanges(
  from: string,
  to: FileHandle,
  ranges: readonly Range[],
  begin: number,
): Promise<void> {
  const source = await open(from);
  const buffer = Buffer.alloc(CHUNK);
  try {
    let at = begin;
    for (const { start, end } of ranges)
      for (let read = start; read < end;) {
        const { bytesRead } = await source.read(buffer, 0, Math.min(CHUNK, end - read), read);
        if (bytesRead === 0) throw new Error('squashfs: data that are cut off');
        await writeAll(to, buffer.subarray(0, bytesRead), at);
        read += bytesRead;
        at += bytesRead;
      }
  } finally {
    await source.close();
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}
