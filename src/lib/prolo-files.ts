import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './package-root.ts';

/** What the daemons of a PC import at run time; the rest of prolo is in its bundle. */
const SEAT_PACKAGES = 'fastify @fastify/swagger pino prom-client undici execa bindings';
/** What commands and the gateway's daemons do beside. */
const SERVER_PACKAGES = '@fastify/static @fastify/swagger-ui ink react listr2 pdfkit pg ssh2';
/** Locks on files are SQLite's; of its sources and of what compiles it nothing runs. */
const SQLITE = ['package.json', 'lib', 'build/Release/better_sqlite3.node'];

const LOCK = 'node_modules/.package-lock.json';

/** The part of a lock file of npm that says who needs whom. */
export interface LockedPackages {
  packages: Record<string, { dependencies?: Record<string, string> }>;
}

/** The folders below node_modules that some packages need, themselves too; nested ones go with their parent. */
export function packageFolders(lock: LockedPackages, wanted: readonly string[]): string[] {
  const folders = new Set<string>();
  const take = (name: string): void => {
    const folder = `node_modules/${name}`;
    if (folders.has(folder) || !lock.packages[folder]) return;
    folders.add(folder);
    for (const [path, { dependencies = {} }] of Object.entries(lock.packages))
      if (path === folder || path.startsWith(`${folder}/`)) Object.keys(dependencies).forEach(take);
  };
  wanted.forEach(take);
  return [...folders];
}

/** Of packages: what only people and builders read. */
const NEEDLESS = /^(tests?|benchmarks?|\.github)$|\.(map|md|d\.[cm]?ts)$/;

/** A file of this prolo. */
export interface ProloFile {
  /** Where it is here. */
  from: string;
  /** Below the folder of prolo. */
  path: string;
  mode: 0o644 | 0o755;
}

/** All that prolo is on a PC, or on a server, which can install others in turn; links followed. Its Node is not among them. */
export function listProloFiles(on: 'pc' | 'server'): ProloFile[] {
  const lock = JSON.parse(readFileSync(join(packageRoot, LOCK), 'utf8')) as LockedPackages;
  const packages = on === 'pc' ? SEAT_PACKAGES : `${SEAT_PACKAGES} ${SERVER_PACKAGES}`;
  const sqlite = SQLITE.map((part) => join('node_modules/better-sqlite3', part));
  const parts = ['bin', 'dist', 'templates', 'package.json', 'oclif.manifest.json', ...sqlite];
  if (on === 'server') parts.push(LOCK);
  return [...parts, ...packageFolders(lock, packages.split(' '))].flatMap((part) => filesOf(part));
}

function filesOf(path: string): ProloFile[] {
  const from = join(packageRoot, path);
  const stat = statSync(from);
  if (stat.isDirectory())
    return readdirSync(from).flatMap((name) => (NEEDLESS.test(name) ? [] : filesOf(join(path, name))));
  return [{ from, path, mode: stat.mode & 0o111 ? 0o755 : 0o644 }];
}
