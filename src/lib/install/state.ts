import { createHash } from 'node:crypto';
import { lstat, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../exec.ts';
import { readIds } from './in-root.ts';
import { putEntry, type TreeEntry } from '../rfs/root/tree-entry.ts';
import { pacmanBackups, pacmanPackages } from './pacman-database.ts';
import type { FileState, HostState, TreeState } from './plan.ts';
import type { Distribution, Recipe, TreeWish } from './recipe.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Reads what a host has of what these recipes speak of; nothing is changed.
 * @param root the host's root folder; `/` is this one
 * @param own what prolo wrote there before, by path
 */
export async function readState(
  root: string,
  distribution: Distribution,
  recipes: readonly Recipe[],
  own: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<HostState> {
  const users = (await readIds(root, 'passwd')).names;
  const groups = (await readIds(root, 'group')).names;
  const facts = async (path: string) => {
    const stat = await lstat(join(root, path)).catch(() => undefined);
    return (
      stat && {
        mode: stat.mode & 0o7777,
        owner: users.get(stat.uid) ?? String(stat.uid),
        group: groups.get(stat.gid) ?? String(stat.gid),
        folder: stat.isDirectory(),
      }
    );
  };
  const files = new Map<string, FileState>();
  for (const { path } of recipes.flatMap((recipe) => recipe.files ?? [])) {
    const stat = await facts(path);
    if (!stat || stat.folder) continue;
    // A link that leads nowhere, such as resolv.conf to a resolver that does not run, holds nothing.
    const text = await readFile(join(root, path), 'utf8').catch(ifGone);
    files.set(path, { ...stat, text, sha256: sha256(text) });
  }
  const folders = new Map<string, Omit<FileState, 'text' | 'sha256'>>();
  for (const { path } of recipes.flatMap((recipe) => recipe.folders ?? [])) {
    const stat = await facts(path);
    if (stat?.folder) folders.set(path, stat);
  }
  const trees = new Map<string, TreeState>();
  for (const wish of recipes.flatMap((recipe) => recipe.trees ?? []))
    trees.set(wish.path, await treeState(root, wish));
  const shipped = await shippedFiles(root, distribution, [...files.keys()]);
  const written = new Map<string, ReadonlySet<string>>();
  for (const [path, { text, sha256: hash }] of files) {
    const md5 = createHash('md5').update(text).digest('hex');
    written.set(path, new Set([...(own.get(path) ?? []), ...(shipped.get(path) === md5 ? [hash] : [])]));
  }
  return {
    packages: await installed(root, distribution),
    users: new Set(users.values()),
    folders,
    files,
    trees,
    enabled: await enabled(root, recipes),
    written,
  };
}

function ifGone(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}

async function treeState(root: string, { path, entries: entriesFor }: TreeWish): Promise<TreeState> {
  const all = await entriesFor(root);
  const entries: TreeEntry[] = [];
  let bytes = 0;
  for (const entry of all) {
    if (!(await putEntry(root, entry, true))) continue;
    entries.push(entry);
    if ('copyOf' in entry) bytes += (await stat(entry.copyOf)).size;
  }
  const there = (await lstat(join(root, path)).catch(() => undefined)) !== undefined;
  return { entries, files: all.length, bytes, there };
}

async function installed(root: string, distribution: Distribution): Promise<Set<string>> {
  if (distribution === 'arch') return pacmanPackages(root);
  const { stdout } = await run([
    ...['dpkg-query', `--admindir=${join(root, 'var/lib/dpkg')}`],
    ...['-W', '-f', '${db:Status-Status} ${Package}\n'],
  ]);
  return new Set(
    stdout
      .split('\n')
      .flatMap((line) => (line.startsWith('installed ') ? [line.slice('installed '.length)] : [])),
  );
}

/** MD5 of the configuration files as packages brought them. */
async function shippedFiles(
  root: string,
  distribution: Distribution,
  paths: readonly string[],
): Promise<Map<string, string>> {
  if (paths.length === 0) return new Map();
  if (distribution === 'arch') return pacmanBackups(root);
  const { stdout } = await run([
    ...['dpkg-query', `--admindir=${join(root, 'var/lib/dpkg')}`],
    ...['-W', '-f', '${Conffiles}\n'],
  ]);
  return new Map(
    stdout.split('\n').flatMap((line) => {
      const [, path, md5] = /^ (\S+) ([0-9a-f]{32})/.exec(line) ?? [];
      return path !== undefined && paths.includes(path) ? [[path, md5!] as const] : [];
    }),
  );
}

/** Units with a link in the folder of something that starts. */
async function enabled(root: string, recipes: readonly Recipe[]): Promise<Set<string>> {
  const units = recipes.flatMap((recipe) => recipe.units ?? []);
  const found = new Set<string>();
  if (units.length === 0) return found;
  const { stdout } = await run([
    ...['find', join(root, 'etc/systemd/system'), '-type', 'l', '-path', '*.wants/*', '-printf', '%f\n'],
  ]);
  for (const name of stdout.split('\n')) if (units.includes(name)) found.add(name);
  return found;
}
