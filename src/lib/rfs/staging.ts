import { existsSync, readlinkSync } from 'node:fs';
import { readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ProloError } from '../errors.ts';
import type { Site } from '../site/site.ts';
import { tryFileLock } from '../file-lock.ts';
import { mustBeUnused } from './staging-users.ts';

/** Where the tree itself is: of a link, programs would see the link alone. */
export const stagingOf = (site: Site): string => followLink(resolve(site.dir, site.config.rfs.staging));
export const versionsOf = (site: Site): string => resolve(site.dir, site.config.rfs.dir);

/** Also where it is put aside, and `withStaging` puts it back. */
export function hasStaging(site: Site): boolean {
  const tree = stagingOf(site);
  return existsSync(tree) || existsSync(asideOf(tree));
}

/** Where it is while another takes its place. */
export const asideOf = (tree: string): string => `${tree}.old`;

/** @throws ProloError `not-found` when there is none yet */
export function mustHaveStaging(site: Site): void {
  if (hasStaging(site)) return;
  throw new ProloError('not-found', `staging ${stagingOf(site)}: there is none yet`, {
    hint: 'make it: `prolo rfs init`',
  });
}

/**
 * Works in staging while nobody else does: a shell, an installation and a commit exclude each other.
 * @param who does what, for the others: `root@gw: rfs shell`
 * @throws ProloError `conflict` at once when another works there, by us or on their own: a chroot, a mount
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
    await restoreTree(tree);
    if (existsSync(tree)) mustBeUnused(await realpath(tree));
    return await work(tree);
  } finally {
    lock.close();
  }
}

/** Also where nothing is at its end just now. */
function followLink(path: string, links = 40): string {
  try {
    return links === 0 ? path : followLink(resolve(dirname(path), readlinkSync(path)), links - 1);
  } catch {
    return path;
  }
}

/** One that was put aside for another, which then did not take its place: something ended us between the two. */
async function restoreTree(tree: string): Promise<void> {
  if (!existsSync(tree) && existsSync(asideOf(tree))) await rename(asideOf(tree), tree);
}
