import { randomBytes } from 'node:crypto';
import { open, readFile, rename, unlink, mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { asProloError, ProloError } from './errors.ts';

/**
 * Replaces a file whole or not at all: written beside it, synced, renamed over it. A reader sees the old text or
 * the new one; after a crash there is one of the two.
 * @throws ProloError `full` when the disk is; the old file is untouched.
 */
export async function writeFileAtomic(path: string, data: string | Buffer, mode = 0o644): Promise<void> {
  const dir = dirname(path);
  await mkdir(dir, { recursive: true });
  const temporary = join(dir, `.${basename(path)}.${randomBytes(4).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(data);
      await file.chmod(mode); // the umask does not decide
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    const known = asProloError(error);
    throw new ProloError(known.kind, `file ${path}: ${known.message}`, {
      cause: error,
      ...(known.hint ? { hint: known.hint } : {}),
    });
  }
  await syncPath(dir);
}

/** What was written to a file, or which names a folder has, is on the disk once it resolves. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The file's text, or undefined when there is none. */
export async function readFileIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
