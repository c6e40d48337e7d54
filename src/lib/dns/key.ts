import { randomBytes } from 'node:crypto';
import { chmod, chown, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileIfThere, writeFileAtomic } from '../write-file.ts';
import { KEY_FILE, renderRndcKey } from './named-conf.ts';

/**
 * The secret that named and rndc share, made once. Only its owner reads it: the owner of the folder, so that a folder
 * given to the user that named runs as is all that named needs. A folder with the set-group-ID bit says that its group reads it too:
 * then one user writes, and named is another.
 */
export async function ensureRndcKey(dir: string): Promise<void> {
  const file = join(dir, KEY_FILE);
  const folder = await stat(dir);
  const wanted = folder.mode & 0o2000 ? 0o640 : 0o600;
  const there = await readFileIfThere(file);
  if (!there) await writeFileAtomic(file, renderRndcKey(randomBytes(32).toString('base64')), wanted);
  if (((await stat(file)).mode & 0o777) !== wanted) await chmod(file, wanted);
  if (process.getuid?.() === 0) await chown(file, folder.uid, folder.gid);
}
