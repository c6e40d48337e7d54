import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../package-root.ts';
import type { Site } from '../site/site.ts';
import type { TreeFile } from './leftovers.ts';
import { matchesAny } from './listing.ts';

/** Files that a boot reads: they stand together at the beginning of an image. */
export interface PackedFirst {
  /** What `mksquashfs -sort` takes. */
  sortList: string;
  /** About what those take in the image that are read whole, which stand first. */
  aheadBytes: number;
}

/** What a file becomes when it is packed; programs and libraries, by zstd. Too little does no harm, too much is fetched for nothing. */
const PACKED = 0.4;

/** The site's own list, `rfs/boot-files` beside prolo.yml, or the one that comes with us. */
export function readBootList(site: Site): Promise<string> {
  const own = join(site.dir, 'rfs/boot-files');
  return readFile(existsSync(own) ? own : join(packageRoot, 'templates/rfs/boot-files'), 'utf8');
}

/** @param list a path or pattern a line, `~` in front where only a part is read; `#` begins a remark */
export function findBootFiles(list: string, files: readonly TreeFile[]): PackedFirst {
  const lines = list.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const isPart = amongPaths(lines.flatMap((line) => (line.startsWith('~') ? [line.slice(1)] : [])));
  const isWhole = amongPaths(lines.filter((line) => !line.startsWith('~')));
  const sorted: string[] = [];
  let bytes = 0;
  for (const file of files) {
    if (/[\s\\"\ufffd]/.test(file.path)) continue; // the list knows no such names; the last stands for bytes that are no UTF-8
    if (isWhole(file.path)) {
      bytes += file.bytes;
      sorted.push(`${file.path} 2`);
    } else if (isPart(file.path)) sorted.push(`${file.path} 1`);
  }
  // Folders list their files in any order; the image is to be the same whenever the tree is.
  return {
    sortList: sorted
      .sort()
      .map((line) => `${line}\n`)
      .join(''),
    aheadBytes: Math.round(bytes * PACKED),
  };
}

/** Most are plain names: those are looked up, not tried one after the other. */
function amongPaths(patterns: readonly string[]): (path: string) => boolean {
  const plain = new Set(patterns.filter((pattern) => !pattern.includes('*')));
  const others = patterns.filter((pattern) => pattern.includes('*'));
  const matches = others.length > 0 ? matchesAny(others) : () => false;
  return (path) => plain.has(path) || matches(path);
}
