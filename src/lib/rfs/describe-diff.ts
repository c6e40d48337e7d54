import { printable } from '../cli/table.ts';
import type { RfsDiff } from './diff-run.ts';
import type { FileChange } from './diff.ts';

/** How many files are shown where nobody asked for all. */
const MAX_SHOWN = 200;
const SIGNS = { added: '+', removed: '-', changed: '~' };

export interface DiffParts {
  packages: boolean;
  files: boolean;
  /** Every file, also those of packages that differ. */
  all: boolean;
}

/** Lines for people: packages first, then files. */
export function* describeDiff(diff: RfsDiff, { packages, files, all }: DiffParts): Generator<string> {
  const { added, removed, upgraded, downgraded } = diff.packages;
  yield `from ${diff.from} to ${diff.to}`;
  const count = added.length + removed.length + upgraded.length + downgraded.length;
  if (packages) {
    for (const { name, version } of added) yield `+ package ${name} ${version}`;
    for (const { name, version } of removed) yield `- package ${name} ${version}`;
    for (const { name, from, to } of upgraded) yield `~ package ${name} ${from} -> ${to}`;
    for (const { name, from, to } of downgraded) yield `~ package ${name} ${from} -> ${to} (down)`;
    if (count === 0) yield 'the same packages';
  }
  if (!files) return;
  if (all) for (const change of diff.files) yield describeChange(change);
  else {
    const { shown, ofPackages } = diff.folded;
    for (const change of shown.slice(0, MAX_SHOWN))
      yield `${describeChange(change)}${change.inside > 0 ? ` and ${change.inside} in it` : ''}`;
    if (shown.length > MAX_SHOWN) yield `… and ${shown.length - MAX_SHOWN} more: --files shows all`;
    if (ofPackages > 0) yield `${ofPackages} files of the packages that differ: --files shows them`;
  }
  if (diff.files.length === 0) yield 'the same files';
}

function describeChange({ path, what, aspects, kind }: FileChange): string {
  const name = `/${printable(path)}${kind === 'folder' ? '/' : ''}`;
  return `${SIGNS[what]} ${name}${aspects.length > 0 ? ` (${aspects.join(', ')})` : ''}`;
}
