import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { cp, lchown, lstat, mkdtemp, open, readdir, rename, rm, statfs, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../errors.ts';
import { run, runOk } from '../exec.ts';
import { syncPath } from '../write-file.ts';
import { HOME_PATTERN } from './home-name.ts';

/** An owner's image: the home's name, and the epoch at which it was made. */
export interface Image {
  login: string;
  epoch: number;
}

export function imageName({ login, epoch }: Image): string {
  return `${login}.${epoch}.img`;
}

const IMAGE_NAME = new RegExp(`^(${HOME_PATTERN})\\.([1-9]\\d{0,9})\\.img$`);

/** Homes' names have no dot, so a name is read back as it was made. */
export function parseImageName(name: string): Image | undefined {
  const [, login, epoch] = IMAGE_NAME.exec(name) ?? [];
  return login === undefined ? undefined : { login, epoch: Number(epoch) };
}

export function listImages(dir: string): Image[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir).flatMap((name) => parseImageName(name) ?? []);
}

/** Bytes that a file takes on the disk; sparse parts take none. */
export function usedBytes(file: string): number {
  return (statSync(file, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}

/** What must stay free on a server's disk, so that the homes on it can go on. */
const RESERVE_BYTES = 64 * 1024 * 1024;

/** @throws ProloError `full` that says what is needed and what is there */
export async function checkSpace(dir: string, needBytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  const free = bavail * bsize;
  if (free >= needBytes + RESERVE_BYTES) return;
  const mib = (bytes: number): string => `${Math.ceil(bytes / 1024 ** 2)} MiB`;
  throw new ProloError('full', `${what}: ${mib(needBytes)} are needed in ${dir}, ${mib(free)} are free`, {
    hint: `${mib(RESERVE_BYTES)} stay free; make room, or move homes to another server with \`prolo hfs move\``,
  });
}

/** An empty file of that size, in place of what a broken attempt left. */
export async function makeSparse(file: string, sizeBytes: number): Promise<void> {
  await rm(file, { force: true });
  await (await open(file, 'wx', 0o600)).close();
  await truncate(file, sizeBytes);
}

export interface NewHome {
  file: string;
  sizeBytes: number;
  uid: number;
  gid: number;
  skeleton: string;
}

/**
 * Makes an ext4 image that holds the skeleton, all of it its owner's. It gets its name last, so that what has the name is whole.
 * @throws ProloError `config` where there is no skeleton, `full`
 */
export async function createImage(home: NewHome): Promise<void> {
  const { file, sizeBytes, uid, gid, skeleton } = home;
  if (!statSync(skeleton, { throwIfNoEntry: false })?.isDirectory())
    throw new ProloError('config', `skeleton ${skeleton}: no such folder on this server`, {
      hint: 'put there what a new home holds; see hfs.skeleton in prolo.yml',
    });
  const dir = join(file, '..');
  const unfinished = await mkdtemp(join(dir, `.new-${hash(file)}-`));
  try {
    const tree = join(unfinished, 'home');
    await cp(skeleton, tree, {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
      filter: isKept,
    });
    await chownTree(tree, uid, gid);
    const image = join(unfinished, 'image');
    await makeSparse(image, sizeBytes);
    await runOk(mkfsArgv({ uid, gid, tree, image }), { timeoutMs: 60_000 });
    await syncPath(image);
    await rename(image, file);
    await syncPath(dir);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** What a program left in the skeleton while it ran there, such as a socket, is nothing for a new home. */
async function isKept(path: string): Promise<boolean> {
  const found = await lstat(path);
  return found.isFile() || found.isDirectory() || found.isSymbolicLink();
}

/** `lazy_itable_init`: a client's kernel writes the empty tables later; `root_owner` is the home folder's. */
export function mkfsArgv(home: { uid: number; gid: number; tree: string; image: string }): string[] {
  const options = `root_owner=${home.uid}:${home.gid},lazy_itable_init=1`;
  return ['mke2fs', '-q', '-F', '-t', 'ext4', '-m', '0', '-E', options, '-d', home.tree, home.image];
}

async function chownTree(path: string, uid: number, gid: number): Promise<void> {
  await lchown(path, uid, gid);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) await chownTree(inside, uid, gid);
    else await lchown(inside, uid, gid);
  }
}

/** A creation that was cut short is found by this, and taken away by the next one on the same server. */
function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/**
 * Replays the journal and mends what is safe to mend, before a client gets the image. One that cannot be mended is kept aside.
 * @throws ProloError `refused`
 */
export async function checkImage(file: string): Promise<void> {
  const { exitCode, stdout, stderr } = await run(['e2fsck', '-p', file], { timeoutMs: 120_000 });
  if (exitCode < 4) return;
  const words = (stdout + stderr).trim().split('\n').slice(-3).join('; ');
  // What it could not read at all says nothing about the home.
  if (exitCode & 8 && !/superblock|magic number|short read|corrupt/i.test(words + stdout + stderr))
    throw new ProloError('unavailable', `home ${file}: e2fsck: ${words}`);
  await rename(file, damagedName(file));
  throw new ProloError('refused', `home ${file}: e2fsck: ${words}`, { hint: 'kept aside' });
}

/** Under this name a damaged image waits for a person. */
export function damagedName(file: string): string {
  return file.replace(/\.img$/, '.damaged');
}
