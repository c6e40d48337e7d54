import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../../errors.ts';
import { packageRoot } from '../../package-root.ts';
import type { Site } from '../../site/site.ts';
import { type PackageList, readPackageLines } from './packages.ts';

/** Profiles, and what belongs to making a root of packages. */
export const profilesOf = (distribution: string): string =>
  join(packageRoot, 'templates/rfs/profiles', distribution);

/**
 * Lists of packages by their names, `base` first: the site's own `rfs/NAME.txt` comes before ours of that name. Last what prolo.yml
 * says of packages.
 * @throws ProloError `not-found` for a name that nobody has
 */
export async function readProfiles(site: Site, names: readonly string[]): Promise<PackageList[]> {
  const { distribution, packages } = site.config.rfs;
  const folders = [join(site.dir, 'rfs'), profilesOf(distribution)];
  const lists = [...new Set(['base', ...names])].map(async (name) => {
    const file = folders.map((folder) => join(folder, `${name}.txt`)).find((path) => existsSync(path));
    if (file) return { from: `profile ${name}`, lines: readPackageLines(await readFile(file, 'utf8')) };
    throw new ProloError('not-found', `profile ${name}: none of that name`, {
      hint: `there are ${namesIn(folders).join(', ')}; make another as ${folders[0]}/${name}.txt, a package a line`,
    });
  });
  return [...(await Promise.all(lists)), { from: 'rfs.packages in prolo.yml', lines: packages }];
}

function namesIn(folders: readonly string[]): string[] {
  const files = folders.flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []));
  return [...new Set(files.flatMap((file) => /^(.+)\.txt$/.exec(file)?.[1] ?? []))].sort();
}
