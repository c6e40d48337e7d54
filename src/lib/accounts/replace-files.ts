import { lstat, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asProloError, ProloError } from '../errors.ts';
import { syncPath } from '../write-file.ts';

/** A file as it was read. */
export interface OldFile {
  path: string;
  /** latin1 */
  text: string;
  mode: number;
  uid: number;
  gid: number;
  /** Changes with whatever is done to it. */
  mark: string;
}

const SUFFIX = '.prolo-new';

/** @returns undefined where it is not there @throws ProloError `refused` for what is no plain file */
export async function readOld(path: string): Promise<OldFile | undefined> {
  const before = await lstat(path, { bigint: true }).catch(noFile);
  if (!before) return undefined;
  if (!before.isFile())
    throw new ProloError('refused', `file ${path}: a link, or no file: not replaced`, {
      hint: 'put a plain file in its place',
    });
  const text = await readFile(path, 'latin1');
  const { mode, uid, gid } = before;
  return {
    path,
    text,
    mode: Number(mode) & 0o7777,
    uid: Number(uid),
    gid: Number(gid),
    mark: markOf(before),
  };
}

/** What tells that a file was written since; '' where there is none. */
export async function fileMark(path: string): Promise<string> {
  const now = await stat(path, { bigint: true }).catch(noFile);
  return now ? markOf(now) : '';
}

/**
 * Puts new texts in place of old ones, each atomically and with its mode and owner, in their order: written beside them, `check`ed
 * there, on the disk, and renamed. When anything fails before the first rename, all is as it was.
 * @param check gets where the new text of a file is
 * @throws ProloError `conflict` when somebody wrote one of the files meanwhile
 */
export async function replaceFiles(
  files: readonly { old: OldFile; text: string }[],
  check: (newPath: (path: string) => string) => Promise<void>,
): Promise<void> {
  const fresh = new Map(files.map(({ old }) => [old.path, `${old.path}${SUFFIX}`]));
  try {
    for (const { old, text } of files) await write(fresh.get(old.path)!, old, text);
    await check((path) => fresh.get(path) ?? path);
    for (const { old } of files)
      if ((await fileMark(old.path)) !== old.mark)
        throw new ProloError('conflict', `file ${old.path}: somebody wrote it meanwhile`);
    for (const [path, temporary] of fresh) await rename(temporary, path);
  } catch (error) {
    await removeNew([...fresh.keys()]);
    const { kind, message, hint } = asProloError(error);
    throw new ProloError(kind, message, { cause: error, ...(hint ? { hint } : {}) });
  }
  for (const dir of new Set([...fresh.keys()].map((path) => dirname(path)))) await syncPath(dir);
}

/** Takes away what a killed run left. */
export async function removeNew(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(`${path}${SUFFIX}`, { force: true }).catch(() => undefined);
}

/** Nobody else can read it before it has its owner. */
async function write(path: string, { mode, uid, gid }: OldFile, text: string): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, 'wx', 0o600);
  try {
    await file.chown(uid, gid);
    await file.chmod(mode);
    await file.writeFile(text, 'latin1');
    await file.sync();
  } finally {
    await file.close();
  }
}

function markOf({
  ino,
  mtimeNs,
  ctimeNs,
  size,
}: {
  ino: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
  size: bigint;
}): string {
  return `${ino} ${mtimeNs} ${ctimeNs} ${size}`;
}

function noFile(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
