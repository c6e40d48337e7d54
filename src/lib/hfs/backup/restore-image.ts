import { existsSync } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../../errors.ts';
import { runOk } from '../../exec.ts';
import { syncPath } from '../../write-file.ts';
import { checkImage, checkSpace, usedBytes } from '../image.ts';
import type { Hfs } from '../server.ts';
import { isUnfinished, markUnfinished } from '../unfinished.ts';
import { IMAGE_NAME, type Repository, type Snapshot } from './restic.ts';

const RESTORE_MS = 30 * 60_000;

/** Where a restored image waits for its epoch; a start of hfs takes it away. */
const waitingDir = (hfs: Hfs, login: string): string => join(hfs.imageDir, `.new-restore-${login}`);

/** Makes the image of a snapshot, whole and checked, beside the homes; nothing serves it yet. @returns its size */
export async function prepareFromSnapshot(
  hfs: Hfs,
  repository: Repository,
  snapshot: Snapshot,
): Promise<number> {
  const { login, bytes } = snapshot;
  await checkSpace(hfs.imageDir, bytes, `the backup of ${login}`);
  return prepare(hfs, login, (dir) => repository.extract(snapshot, dir, RESTORE_MS));
}

/** The same of an image that a move, or an earlier restore, has left on this server. */
export async function prepareFromKept(hfs: Hfs, login: string, epoch: number): Promise<number> {
  const file = hfs.imageFile(login, epoch);
  if (!existsSync(file))
    throw new ProloError('not-found', `home ${login}: no image of epoch ${epoch} on hfs ${hfs.number}`);
  await checkSpace(hfs.imageDir, usedBytes(file), `the old image of ${login}`);
  return prepare(hfs, login, async (dir) => {
    const argv = ['cp', '--reflink=auto', '--sparse=always', file, join(dir, IMAGE_NAME)];
    await runOk(argv, { timeoutMs: RESTORE_MS });
  });
}

/** @returns its size */
async function prepare(hfs: Hfs, login: string, fill: (dir: string) => Promise<void>): Promise<number> {
  const dir = waitingDir(hfs, login);
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { mode: 0o700 });
  const file = join(dir, IMAGE_NAME);
  try {
    await fill(dir);
    await checkImage(file);
    await syncPath(file);
    return (await stat(file)).size;
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Gives what was prepared its place, durably; it is unfinished until hfsdb has recorded it. An attempt that was never recorded
 * is gone then; another image of that name is kept aside: hfsdb may know less than this disk.
 */
export async function placePrepared(hfs: Hfs, login: string, epoch: number): Promise<void> {
  const dir = waitingDir(hfs, login);
  const file = join(dir, IMAGE_NAME);
  if (!existsSync(file))
    throw new ProloError('not-found', `home ${login}: nothing was prepared on hfs ${hfs.number}`, {
      hint: 'was it started again meanwhile? restore once more',
    });
  const image = hfs.imageFile(login, epoch);
  if (existsSync(image) && !isUnfinished(image))
    await rename(image, image.replace(/img$/, `replaced-${new Date().toISOString().replaceAll(':', '')}`));
  await markUnfinished(image);
  await rename(file, image);
  await syncPath(hfs.imageDir);
  await rm(dir, { recursive: true, force: true });
  hfs.log.info({ login, epoch }, 'home: restored');
}

export async function discardPrepared(hfs: Hfs, login: string): Promise<void> {
  await rm(waitingDir(hfs, login), { recursive: true, force: true });
}
