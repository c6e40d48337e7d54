import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ProloError } from '../../errors.ts';
import { checkSpace, usedBytes } from '../image.ts';
import { isAlive } from '../launch.ts';
import type { Home } from '../protocol.ts';
import type { Hfs, Running } from '../server.ts';
import { type Source, tarOf } from './extents.ts';
import { isStored, type Mark, readMarks, writeMark } from './marks.ts';
import { IMAGE_NAME, type Repository } from './restic.ts';
import { beginSnapshot, clearSnapshot, endSnapshot, type SnapshotPaths } from './snapshot.ts';

export interface Stored {
  login: string;
  snapshot: string;
  /** Read from the image. */
  bytes: number;
  ms: number;
}

/** Beside the run directory: marks, and the files that snapshots are shown as, each by its login. */
export function backupDir(hfs: Hfs): string {
  return resolve(hfs.runRoot, '..', `hfs${hfs.number}-backup`);
}

export function snapshotPaths(hfs: Hfs, login: string): SnapshotPaths {
  return {
    scratch: join(hfs.imageDir, `.new-scratch-${login}`),
    mount: join(backupDir(hfs), login),
  };
}

/** The homes that this server owns and that were written since they were stored last. */
export async function listChanged(
  hfs: Hfs,
  repository: Repository,
  rows: readonly Home[],
): Promise<string[]> {
  const [id, marks] = [await repository.ready(), await readMarks(backupDir(hfs))];
  return rows
    .filter((row) => row.hfs === hfs.number && row.state === 'here')
    .filter(({ login, epoch }) => {
      const now = markOf(hfs, login, epoch, id);
      return now !== undefined && !isStored(marks[login], now);
    })
    .map(({ login }) => login);
}

function markOf(hfs: Hfs, login: string, epoch: number, repository: string): Mark | undefined {
  const found = statSync(hfs.imageFile(login, epoch), { bigint: true, throwIfNoEntry: false });
  return found && { epoch, writtenNs: String(found.mtimeNs), repository };
}

/**
 * Stores a home as it is at one moment; whoever uses it goes on.
 * @throws ProloError `conflict` where it is on its way elsewhere, or somebody logged on while it was read: the next time will do
 */
export async function backupHome(hfs: Hfs, repository: Repository, row: Home): Promise<Stored> {
  const startedMs = performance.now();
  const { login, epoch } = row;
  const id = await repository.ready();
  const mark = markOf(hfs, login, epoch, id);
  if (!mark)
    throw new ProloError('not-found', `home ${login}: no image on hfs ${hfs.number}`, {
      hint: 'see `prolo hfs doctor`',
    });
  const home = await hfs.locked(login, () => Promise.resolve(hfs.running.get(login)));
  const result = await (home
    ? storeRunning(hfs, repository, row, home)
    : storeStopped(hfs, repository, row, mark));
  await writeMark(backupDir(hfs), login, mark);
  return { login, ...result, ms: Math.round(performance.now() - startedMs) };
}

type Result = Pick<Stored, 'snapshot' | 'bytes'>;

async function storeRunning(hfs: Hfs, repository: Repository, row: Home, home: Running): Promise<Result> {
  const { login, epoch } = row;
  const image = hfs.imageFile(login, epoch);
  const paths = snapshotPaths(hfs, login);
  await checkSpace(hfs.imageDir, usedBytes(image), `the backup of ${login}, who is at home`);
  await home.stepping(() => {
    mustBeServed(home, row);
    return beginSnapshot(home.qmp, image, paths);
  });
  try {
    // What a client trims leaves the image once it is in the scratch file: asked in this order, neither misses it.
    return await store(hfs, repository, row, {
      file: paths.mount,
      isSnapshot: true,
      mapped: [image, paths.scratch],
    });
  } catch (cause) {
    if (!home.ending && isAlive(home.record.storage)) throw cause;
    throw new ProloError('conflict', `home ${login}: what served it has ended meanwhile`, {
      hint: 'it is stored the next time',
      cause,
    });
  } finally {
    await home.stepping(() => endSnapshot(home.qmp, paths)).catch(() => clearSnapshot(paths)); // it was ended meanwhile, and its snapshot with it
  }
}

function mustBeServed({ record, ending }: Running, { login, epoch }: Home): void {
  if (record.mode === 'serve' && record.epoch === epoch && !ending) return;
  throw new ProloError('conflict', `home ${login}: on its way elsewhere`, {
    hint: 'it is stored from there',
  });
}

async function storeStopped(hfs: Hfs, repository: Repository, row: Home, mark: Mark): Promise<Result> {
  const { login, epoch } = row;
  const file = hfs.imageFile(login, epoch);
  return store(hfs, repository, row, { file, isSnapshot: false, mapped: [file] }, async () => {
    const { mtimeNs } = await stat(file, { bigint: true });
    if (String(mtimeNs) !== mark.writtenNs || hfs.running.has(login))
      throw new ProloError('conflict', `home ${login}: in use since its backup began`);
  });
}

/** @param check of the source, when all of it was read; what it throws stores nothing */
async function store(
  hfs: Hfs,
  repository: Repository,
  { login, epoch }: Home,
  source: Source,
  check?: () => Promise<void>,
): Promise<Result> {
  const tar = await tarOf(source, IMAGE_NAME, hfs.site.config.hfs.backup.bytesPerSecond);
  async function* checked(): AsyncGenerator<Buffer> {
    yield* tar.bytes;
    await check?.();
  }
  const what = { login, hfs: hfs.number, epoch, bytes: tar.totalBytes };
  return { snapshot: await repository.save(what, checked()), bytes: tar.totalBytes };
}
