import type { FileFacts, Listing } from './listing.ts';

/** What is not alike of a file that is on both sides; `time`: its contents may be alike, or were not compared. */
export type Aspect = 'kind' | 'mode' | 'owner' | 'size' | 'content' | 'target' | 'time';

export interface FileChange {
  path: string;
  what: 'added' | 'removed' | 'changed';
  aspects: Aspect[];
  kind: FileFacts['kind'];
}

/**
 * What differs from one tree to another, by their folders alone, in order of paths.
 * @param ignored paths that are on one side only for reasons of their own
 */
export function diffListings(
  from: Listing,
  to: Listing,
  ignored: (path: string) => boolean = () => false,
): FileChange[] {
  const changes: FileChange[] = [];
  for (const [path, facts] of from)
    if (!to.has(path) && !ignored(path))
      changes.push({ path, what: 'removed', aspects: [], kind: facts.kind });
  for (const [path, facts] of to) {
    if (ignored(path)) continue;
    const before = from.get(path);
    const aspects = before ? aspectsOf(before, facts) : [];
    if (!before || aspects.length > 0)
      changes.push({ path, what: before ? 'changed' : 'added', aspects, kind: facts.kind });
  }
  // What is in a folder comes right after it.
  const key = ({ path }: FileChange): string => path.replaceAll('/', '\0');
  return changes
    .map((change) => ({ change, key: key(change) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ change }) => change);
}

function aspectsOf(a: FileFacts, b: FileFacts): Aspect[] {
  if (a.kind !== b.kind) return ['kind'];
  const file = a.kind === 'file';
  return [
    ...(a.kind !== 'link' && a.mode !== b.mode ? ['mode' as const] : []),
    ...(a.owner !== b.owner ? ['owner' as const] : []),
    ...(a.kind === 'link' && a.target !== b.target ? ['target' as const] : []),
    ...(file && a.bytes !== b.bytes ? ['size' as const] : []),
    ...(file && a.bytes === b.bytes && a.mtime !== b.mtime ? ['time' as const] : []),
  ];
}

/** Files whose contents only reading them can tell: same size, another time. The smaller ones, as far as it stays cheap. */
export function chooseToRead(
  changes: readonly FileChange[],
  to: Listing,
  { files = 500, bytes = 64 * 1024 ** 2 } = {},
): string[] {
  let left = bytes;
  return changes
    .filter(({ aspects }) => aspects.includes('time'))
    .map(({ path }) => ({ path, size: to.get(path)!.bytes }))
    .sort((a, b) => a.size - b.size)
    .slice(0, files)
    .filter(({ size }) => (left -= size) >= 0)
    .map(({ path }) => path);
}

/** With what reading has told: alike or not. What is alike in all but its time is no change. */
export function withContents(
  changes: readonly FileChange[],
  alike: ReadonlyMap<string, boolean>,
): FileChange[] {
  return changes.flatMap((change) => {
    const same = alike.get(change.path);
    if (same === undefined) return [change];
    const others = change.aspects.filter((aspect) => aspect !== 'time');
    if (same && others.length === 0) return [];
    return [{ ...change, aspects: same ? others : [...others, 'content' as const] }];
  });
}

export interface Folded {
  /** Without what the packages below account for; a folder that is new or gone stands for what is in it. */
  shown: (FileChange & { inside: number })[];
  /** How many belong to packages that differ. */
  ofPackages: number;
}

/**
 * What a person wants to see of it.
 * @param owned files of packages that differ, and what the package manager writes of them
 */
export function foldChanges(changes: readonly FileChange[], owned: (path: string) => boolean): Folded {
  const shown: Folded['shown'] = [];
  let ofPackages = 0;
  for (const change of changes) {
    if (owned(change.path)) {
      ofPackages++;
      continue;
    }
    const folder = shown.at(-1);
    const isInside =
      folder !== undefined &&
      folder.kind === 'folder' &&
      folder.what === change.what &&
      folder.what !== 'changed' &&
      change.path.startsWith(`${folder.path}/`);
    if (isInside) folder.inside++;
    else shown.push({ ...change, inside: 0 });
  }
  return { shown, ofPackages };
}
