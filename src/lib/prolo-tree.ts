import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { listProloFiles } from './prolo-files.ts';
import { inside } from './rfs/inside.ts';
import type { TreeEntry } from './rfs/root/tree-entry.ts';

/** Where prolo is on an installed machine; nothing else is there. */
export const PROLO = 'usr/lib/prolo';

/** Prolo with the Node that runs this; what an earlier one left behind goes. */
export function proloEntries(tree: string, on: 'pc' | 'server'): TreeEntry[] {
  const entries: TreeEntry[] = listProloFiles(on).map(({ from, path, mode }) => ({
    path: join(PROLO, path),
    copyOf: from,
    mode,
  }));
  entries.push({ path: join(PROLO, 'node'), copyOf: process.execPath, mode: 0o755 });
  const wanted = new Set(entries.map(({ path }) => path));
  const dir = inside(tree, PROLO);
  const there = existsSync(dir) ? readdirSync(dir, { recursive: true, withFileTypes: true }) : [];
  const old = there
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(PROLO, entry.parentPath.slice(dir.length), entry.name))
    .filter((path) => !wanted.has(path));
  return [...entries, ...old.map((path) => ({ path, absent: true as const }))];
}
