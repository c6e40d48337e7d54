import type { Facts } from './facts.ts';

/** What of a tree is as it was when an image was made of it. */
export interface TreePlan {
  /** In the order in which `find` names them: a folder before what is in it. The root is the first. */
  files: Facts[];
  /** What has to be packed so that the image of it says all of what is not kept. */
  packed: string[];
}

/** @param isLeftOut whether it is not to be in an image */
export function planTree(all: readonly Facts[], isLeftOut: (path: string) => boolean): TreePlan {
  const gone = new Set<string>();
  const files = all.filter(({ path }) => {
    if (!(gone.size > 0 && gone.has(parentOf(path) ?? '\0')) && !isLeftOut(path)) return true;
    gone.add(path);
    return false;
  });
  return { files, packed: choosePacked(files) };
}

/**
 * A folder that is named would be packed with all that is in it, so one that has changed is packed because of something in it: of
 * what has changed too, else of the smallest.
 */
function choosePacked(files: TreePlan['files']): string[] {
  const packed: string[] = [];
  const covered = new Set<string>();
  const cover = (path: string): void => {
    for (let up = parentOf(path); up !== undefined && !covered.has(up); up = parentOf(up)) covered.add(up);
  };
  for (const { kept, kind, path } of files) {
    if (kept || kind === 'd') continue;
    packed.push(path);
    cover(path);
  }
  const bare = files.filter(({ kept, kind, path }) => !kept && kind === 'd' && !covered.has(path));
  if (bare.length === 0) return packed;
  const smallest = findSmallest(files);
  for (const { path } of bare.reverse()) {
    if (covered.has(path)) continue;
    const below = smallest.get(path) ?? path;
    packed.push(below);
    cover(below);
  }
  return packed;
}

/** Of each folder that is not empty the smallest file in it, however deep; of folders in it that are empty, one. */
function findSmallest(files: TreePlan['files']): Map<string, string> {
  const found = new Map<string, { path: string; bytes: number }>();
  // What is in a folder is met before the folder.
  for (const { path, kind, bytes } of [...files].reverse()) {
    const parent = parentOf(path);
    if (parent === undefined) continue;
    const own = kind === 'd' ? (found.get(path) ?? { path, bytes: 0 }) : { path, bytes };
    const best = found.get(parent);
    if (!best || own.bytes < best.bytes) found.set(parent, own);
  }
  return new Map([...found].map(([path, best]) => [path, best.path]));
}

export function parentOf(path: string): string | undefined {
  if (path === '') return undefined;
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Less than this of the files' bytes has changed. */
const MOST_CHANGED = 1 / 3;
/** Less than this of an image is nobody's. */
const MOST_DEAD = 1 / 5;

/** @returns why an image is better made anew; undefined: it is not */
export function whyAnew({ files }: TreePlan, dataBytes: number, keptBytes: number): string | undefined {
  const sum = (list: readonly Facts[]): number =>
    list.reduce((bytes, file) => bytes + (file.kind === 'f' ? file.bytes : 0), 0);
  if (sum(files.filter(({ kept }) => !kept)) > MOST_CHANGED * sum(files)) return 'much has changed';
  if (dataBytes - keptBytes > MOST_DEAD * dataBytes) return 'much of the last image is of files that went';
  return undefined;
}
