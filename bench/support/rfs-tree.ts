import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** Where generated files are in a tree. */
const GENERATED = 'opt/generated';
const FILES_PER_FOLDER = 50;
/** Of generated files: half are smaller; the mean is about 22 KiB, as in a Debian root with a desktop. */
const MEDIAN_BYTES = 4096;
const SPREAD = 1.85;
const LARGEST_BYTES = 8 * 1024 * 1024;

/** Numbers below 1, the same in every run. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Grown {
  files: number;
  bytes: number;
  /** Changes one file in a hundred: most have other contents of nearly the same length, some go, as many come. */
  changePercent(): void;
}

/**
 * Adds files to a root until it has so many: of sizes as in a root, of slices of that root's own files, so that they pack as those do.
 */
export function growTree(tree: string, wanted: number, seed = 1): Grown {
  const random = createRandom(seed);
  const source = readSource(tree);
  const slices = (bytes: number): Buffer => {
    const out = Buffer.alloc(bytes);
    for (let at = 0; at < bytes;) {
      const length = Math.min(bytes - at, 2048 + Math.floor(random() * 30_000));
      const from = Math.floor(random() * (source.length - length));
      at += source.copy(out, at, from, from + length);
    }
    return out;
  };
  const size = (): number =>
    Math.min(LARGEST_BYTES, Math.max(16, Math.round(MEDIAN_BYTES * Math.exp(SPREAD * normal(random)))));
  const paths: string[] = [];
  let made = 0;
  const add = (): void => {
    const folder = join(tree, GENERATED, `p${Math.floor(made / FILES_PER_FOLDER)}`);
    if (made % FILES_PER_FOLDER === 0) mkdirSync(folder, { recursive: true });
    const path = join(folder, `f${made++}`);
    writeFileSync(path, slices(size()));
    paths.push(path);
  };
  for (let files = countFiles(tree); files < wanted; files++) add();
  return {
    files: wanted,
    bytes: Number(execFileSync('du', ['-sb', tree], { encoding: 'utf8' }).split('\t')[0]),
    changePercent() {
      const count = Math.ceil(wanted / 100);
      for (let n = 0; n < count; n++) {
        const index = Math.floor(random() * paths.length);
        const path = paths[index]!;
        if (n % 20 === 0) {
          rmSync(path);
          paths.splice(index, 1);
          add();
        } else rewrite(path, slices(Math.ceil(lstatSync(path).size / 3)), random);
      }
    },
  };
}

/** As a new build of a program is: a part of it differs, and its length a little. */
function rewrite(path: string, part: Buffer, random: () => number): void {
  const file = openSync(path, 'r+');
  writeSync(file, part, 0, part.length, Math.floor(random() * part.length));
  closeSync(file);
  if (random() < 0.5) appendFileSync(path, part.subarray(0, Math.ceil(random() * 64)));
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function countFiles(tree: string): number {
  return execFileSync('find', [tree, '-xdev', '-printf', '.'], { encoding: 'utf8', maxBuffer: 1e8 }).length;
}

/** Contents of the tree's programs and libraries, some 100 MB. */
function readSource(tree: string): Buffer {
  const parts: Buffer[] = [];
  let bytes = 0;
  for (const folder of ['usr/bin', 'usr/lib', 'usr/share'])
    for (const entry of readdirSync(join(tree, folder), { withFileTypes: true, recursive: true })) {
      if (bytes > 120e6) break;
      if (!entry.isFile()) continue;
      const data = readFileSync(join(entry.parentPath, entry.name));
      // One large file alone would be most of it.
      parts.push(data.subarray(0, 2_000_000));
      bytes += parts.at(-1)!.length;
    }
  return Buffer.concat(parts);
}
