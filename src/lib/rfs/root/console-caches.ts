import { lutimes, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inside } from '../inside.ts';

const SETTINGS = ['etc/default/keyboard', 'etc/default/console-setup'];
const KEPT = 'etc/console-setup';

/**
 * `setupcon` believes what it has kept if that is younger than the settings; an image keeps whole seconds, and packages write both
 * within one. Each boot of each machine would compile the keyboard anew, in Perl. Settings that are older by less than a second become
 * older by one.
 * @returns what has changed, as paths below the tree
 */
export async function ageConsoleSettings(tree: string, dryRun: boolean): Promise<string[]> {
  const kept = await readdir(inside(tree, KEPT)).catch(() => []);
  const cached = await Promise.all(
    kept.filter((name) => name.startsWith('cached_')).map((name) => mtimeOf(join(inside(tree, KEPT), name))),
  );
  const oldest = Math.min(...cached.flatMap((time) => time ?? []));
  const changed: string[] = [];
  for (const path of SETTINGS) {
    const file = inside(tree, path);
    const time = await mtimeOf(file);
    if (time === undefined || !isYoungerOnlyInPart(oldest, time)) continue;
    if (!dryRun) await lutimes(file, Math.floor(oldest) - 1, Math.floor(oldest) - 1);
    changed.push(path);
  }
  return changed;
}

/** In s: whether `a` is after `b`, but not in whole seconds. */
function isYoungerOnlyInPart(a: number, b: number): boolean {
  return a > b && Math.floor(a) <= Math.floor(b);
}

async function mtimeOf(file: string): Promise<number | undefined> {
  return lstat(file).then(
    ({ mtimeMs }) => mtimeMs / 1000,
    () => undefined,
  );
}
