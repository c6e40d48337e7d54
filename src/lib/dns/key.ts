import { randomBytes } from 'node:crypto';
import { chmod, chown, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileIfThere, writeFileAtomic } from '../write-file.ts';
import { KEY_FILE, renderRndcKey } from './named-conf.ts';

/**
 * The secret that named and rndc share, made once. Only its owner reads it: the owner of the folder, so that a folder
 * given to the user that named runs as is all that named needs.
 */
export async function ensureRndcKey(dir: string): Promise<void> {
  const file = join(dir, KEY_FILE);
  const there = await readFileIfThere(file);
  if (!there) await writeFileAtomic(file, renderRndcKey(randomBytes(32).toString('base64')), 0o600);
  const [{ mode }, { uid, gid }] = await Promise.all([stat(file), stat(dir)]);
  if (mode & 0o077) await chmod(file, 0o600);
  if (process.getuid?.() === 0) await chown(file, uid, gid);
}
