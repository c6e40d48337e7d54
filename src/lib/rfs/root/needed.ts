import { ProloError } from '../../errors.ts';
import type { TreeFile } from '../leftovers.ts';

/** The config is written last: where it is, the rest is too. */
const NEEDED = [
  'usr/lib/prolo/bin/run.js',
  'usr/lib/prolo/node',
  'etc/prolo/secrets.yml',
  'etc/prolo/prolo.yml',
];

/** @throws ProloError `refused` for a tree whose machines would have no accounts, no homes, and nobody to tell what they run */
export function mustHaveProlo(tree: string, files: readonly TreeFile[]): void {
  const there = new Set(files.filter(({ bytes }) => bytes > 0).map(({ path }) => path));
  const missing = NEEDED.filter((path) => !there.has(path));
  if (missing.length === 0) return;
  throw new ProloError('refused', `staging ${tree}: ${missing.join(', ')}: not there`, {
    hint: 'machines could neither log anybody in nor say what they run: `prolo rfs configure` puts it in',
  });
}
