import { join } from 'node:path';
import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';
import {
  chooseToRead,
  diffListings,
  type FileChange,
  type Folded,
  foldChanges,
  withContents,
} from './diff.ts';
import { openImage, openTree, readOwned, readPackages, type Side } from './diff-sides.ts';
import { LEFT_OUT } from './image.ts';
import { matchesAny } from './listing.ts';
import { diffPackages, type PackageDiff } from './package-list.ts';
import { stagingOf, versionsOf } from './staging.ts';
import { mustBeVersion } from './table.ts';

export type SideName = number | 'staging';

export interface RfsDiff {
  from: string;
  to: string;
  packages: PackageDiff;
  files: FileChange[];
  folded: Folded;
}

/** Programs that read one file of an image each. */
const AT_ONCE = 4;

/** What differs from one version, or staging, to another: packages and files. @throws ProloError `not-found`, `failed` */
export async function diffRfs(site: Site, store: Store, from: SideName, to: SideName): Promise<RfsDiff> {
  const open = async (name: SideName): Promise<Side> => {
    if (name === 'staging') return openTree('staging', stagingOf(site));
    await mustBeVersion(store.knex, name);
    return openImage(`version ${name}`, join(versionsOf(site), String(name), 'root.img'));
  };
  const [a, b] = await Promise.all([open(from), open(to)]);
  return diffSides(a, b);
}

export async function diffSides(a: Side, b: Side): Promise<RfsDiff> {
  const found = diffListings(a.listing, b.listing, matchesAny(LEFT_OUT));
  const files = withContents(found, await compare(a, b, chooseToRead(found, b.listing)));
  const packages = diffPackages(await readPackages(a), await readPackages(b));
  const names = Object.values(packages).flatMap((list: { name: string }[]) =>
    list.map(({ name }) => name.replace(/:[^:]*$/, '')),
  );
  const owned = await readOwned([a, b], names);
  return { from: a.label, to: b.label, packages, files, folded: foldChanges(files, owned) };
}

async function compare(a: Side, b: Side, paths: readonly string[]): Promise<Map<string, boolean>> {
  const alike = new Map<string, boolean>();
  const left = [...paths];
  const work = async (): Promise<void> => {
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      const [x, y] = await Promise.all([a.hash(path), b.hash(path)]);
      if (x !== undefined && y !== undefined) alike.set(path, x === y);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return alike;
}
