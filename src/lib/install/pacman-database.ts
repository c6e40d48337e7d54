import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePacman } from '../rfs/package-list.ts';

/** A folder a package. */
const LOCAL = 'var/lib/pacman/local';

/**
 * Names of what pacman has installed below a root folder, those that another package stands in for too, as nginx-mainline does for
 * nginx. Read without pacman: of a host in a folder, this one may be a Debian.
 */
export async function pacmanPackages(root: string): Promise<Set<string>> {
  const folders = await foldersOf(root);
  const provided = await Promise.all(
    folders.map(async (folder) => sectionOf(await textOf(root, folder, 'desc'), 'PROVIDES')),
  );
  return new Set([
    ...parsePacman(folders).keys(),
    ...provided.flat().map((line) => line.replace(/[<>=].*/, '')),
  ]);
}

/** MD5 of configuration files as packages brought them, by absolute path. */
export async function pacmanBackups(root: string): Promise<Map<string, string>> {
  const texts = await Promise.all(
    (await foldersOf(root)).map(async (folder) => sectionOf(await textOf(root, folder, 'files'), 'BACKUP')),
  );
  return new Map(
    texts.flat().flatMap((line) => {
      const [path, md5] = line.split('\t');
      return md5 === undefined ? [] : [[`/${path}`, md5] as const];
    }),
  );
}

async function foldersOf(root: string): Promise<string[]> {
  const names = await readdir(join(root, LOCAL)).catch(ifNone<string[]>([]));
  return names.filter((name) => name !== 'ALPM_DB_VERSION').map((name) => join(LOCAL, name));
}

const textOf = (root: string, folder: string, name: string): Promise<string> =>
  readFile(join(root, folder, name), 'utf8').catch(ifNone(''));

/** The lines below `%NAME%`. */
function sectionOf(text: string, name: string): string[] {
  const lines = new RegExp(`^%${name}%\\n((?:.+\\n)*)`, 'm').exec(text)?.[1] ?? '';
  return lines.split('\n').filter(Boolean);
}

const ifNone =
  <T>(value: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
