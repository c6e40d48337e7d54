import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asProloError, ProloError } from '../errors.ts';
import { syncPath } from '../write-file.ts';

export interface NewFile {
  /** Its path below the folder. */
  name: string;
  text: string;
  /** Default 0644. */
  mode?: number;
}

const STAGING = '.new-';

/**
 * Puts files into a folder that something live reads: all written beside it, then `check`ed there by the program that
 * will read them, then renamed over the old ones in their order. When `check` throws, every old file is as it was.
 * Killed between two renames, or after a power cut, some files are new and some old, each of them whole: what calls this
 * renders all of them again at its next start.
 * @param check gets the folder that holds the new files under their names
 * @throws ProloError what `check` threw, or `full`
 */
export async function installChecked(
  dir: string,
  files: readonly NewFile[],
  check: (staging: string) => Promise<void>,
): Promise<void> {
  const staging = join(dir, `${STAGING}${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(staging, { recursive: true });
    await allDone(files.map((file) => write(join(staging, file.name), file)));
    // On the disk before it is renamed; the checker reads it meanwhile.
    await allDone([check(staging), ...files.map(({ name }) => syncPath(join(staging, name)))]);
    for (const folder of foldersOf(dir, files)) await mkdir(folder, { recursive: true });
    for (const { name } of files) await rename(join(staging, name), join(dir, name));
  } catch (error) {
    if (error instanceof ProloError) throw error;
    const { kind, message, hint } = asProloError(error);
    throw new ProloError(kind, `folder ${dir}: ${message}`, { cause: error, ...(hint ? { hint } : {}) });
  } finally {
    await rm(staging, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Takes away what a killed run left; for the start, before the first `installChecked`. */
export async function cleanStaging(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const name of await readdir(dir))
    if (name.startsWith(STAGING)) await rm(join(dir, name), { recursive: true, force: true });
}

/** Like Promise.all, but nothing goes on behind the back of who catches its error. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

function foldersOf(dir: string, files: readonly NewFile[]): string[] {
  return [...new Set(files.map(({ name }) => dirname(join(dir, name))))];
}

async function write(path: string, { text, mode = 0o644 }: NewFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.chmod(mode); // the umask does not decide
  } finally {
    await file.close();
  }
}
