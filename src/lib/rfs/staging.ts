import { resolve } from 'node:path';
import { readFile, writeFile } from 'node:fs/promises';
import { ProloError } from '../errors.ts';
import type { Site } from '../site/site.ts';
import { tryFileLock } from '../file-lock.ts';

export const stagingOf = (site: Site): string => resolve(site.dir, site.config.rfs.staging);
export const versionsOf = (site: Site): string => resolve(site.dir, site.config.rfs.dir);

/**
 * Works in staging while nobody else does: a shell, an installation and a commit exclude each other.
 * @param who does what, for the others: `root@gw: rfs shell`
 * @throws ProloError `conflict` at once when another works there
 */
export async function withStaging<T>(
  site: Site,
  who: string,
  work: (tree: string) => Promise<T>,
): Promise<T> {
  const tree = stagingOf(site);
  const holder = `${tree}.in-use`;
  const lock = await tryFileLock(tree);
  if (!lock) {
    const other = (await readFile(holder, 'utf8').catch(() => '')).trim() || 'somebody';
    throw new ProloError('conflict', `staging ${tree}: in use (${other})`, {
      hint: 'wait until they are done',
    });
  }
  try {
    await writeFile(holder, `${who}, process ${process.pid}\n`);
    return await work(tree);
  } finally {
    lock.close();
  }
}
