import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  open,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { inside } from '../inside.ts';

const PIECE = 1 << 20;

/** What a tree has at a path, which is without a leading slash. */
export type TreeEntry =
  | { path: string; data: string | Buffer; mode?: number }
  /** A file of this machine. */
  | { path: string; copyOf: string; mode: number }
  | { path: string; link: string }
  /** Neither a file nor a link is there. */
  | { path: string; absent: true };

/**
 * Makes it so, whole or not at all; what is so already is not touched.
 * @returns whether there was something to do
 */
export async function putEntry(tree: string, entry: TreeEntry, dryRun: boolean): Promise<boolean> {
  const place = placeOf(tree, entry.path);
  if (await isThere(place, entry)) return false;
  if (dryRun) return true;
  if ('absent' in entry) {
    await rm(place);
    return true;
  }
  await makeFolder(dirname(place));
  // The same name each time: what a broken-off run leaves is used up by the next one.
  const next = join(dirname(place), `.${basename(place)}.prolo-new`);
  await rm(next, { force: true });
  if ('link' in entry) await symlink(entry.link, next);
  else {
    const { mode = 0o644 } = entry;
    if ('copyOf' in entry) await copyFile(entry.copyOf, next);
    else await writeFile(next, entry.data, { mode: mode & 0o600 });
    await chmod(next, mode); // the umask does not decide
  }
  await rename(next, place);
  return true;
}

/** Links of the folders that lead there are the tree's; the last name is itself. */
export function placeOf(tree: string, path: string): string {
  return join(inside(tree, dirname(path)), basename(path));
}

async function isThere(place: string, entry: TreeEntry): Promise<boolean> {
  const stat = await lstat(place).catch(() => undefined);
  if ('absent' in entry) return stat === undefined;
  if ('link' in entry) return stat?.isSymbolicLink() === true && (await readlink(place)) === entry.link;
  if (!stat?.isFile() || (stat.mode & 0o7777) !== (entry.mode ?? 0o644)) return false;
  if ('copyOf' in entry) return isSameFile(entry.copyOf, place);
  const data = Buffer.from(entry.data as string);
  return stat.size === data.length && data.equals(await readFile(place));
}

/** A piece at a time: Node alone has a hundred megabytes. */
async function isSameFile(a: string, b: string): Promise<boolean> {
  const files = await Promise.all([open(a), open(b)]);
  try {
    const [one, other] = await Promise.all(files.map((file) => file.stat()));
    if (one!.size !== other!.size) return false;
    if (one!.ino === other!.ino && one!.dev === other!.dev) return true;
    const length = Math.min(one!.size, PIECE);
    const pieces = [Buffer.allocUnsafe(length), Buffer.allocUnsafe(length)] as const;
    for (let at = 0; at < one!.size; at += length) {
      const reads = await Promise.all(files.map((file, i) => file.read(pieces[i]!, 0, length, at)));
      const [p, q] = pieces.map((piece, i) => piece.subarray(0, reads[i]!.bytesRead));
      if (p!.length === 0 || !p!.equals(q!)) return false;
    }
    return true;
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

/** With those above it, for everybody to read. */
async function makeFolder(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true });
  for (let at = path; made !== undefined && at.startsWith(made); at = dirname(at)) await chmod(at, 0o755);
}
