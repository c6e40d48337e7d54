import { lstatSync, readlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ProloError } from '../errors.ts';

/** A path of the tree, its links followed as a system would that has the tree as its root. It never leads out of the tree. */
export function inside(tree: string, path: string, depth = 0): string {
  let at = tree;
  const steps = resolve('/', path).split('/').filter(Boolean);
  for (const [i, step] of steps.entries()) {
    const next = join(at, step);
    const stat = lstatSync(next, { throwIfNoEntry: false });
    if (!stat?.isSymbolicLink()) {
      at = next;
      continue;
    }
    if (depth > 40) throw new ProloError('bad-input', `staging ${tree}: ${path} is a link to itself`);
    const target = readlinkSync(next);
    const from = target.startsWith('/') ? '/' : `/${at.slice(tree.length)}`;
    return inside(tree, [resolve(from, target), ...steps.slice(i + 1)].join('/'), depth + 1);
  }
  return at;
}
