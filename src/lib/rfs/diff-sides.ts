import { createHash } from 'node:crypto';
import { lstat, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProloError } from '../errors.ts';
import { run, runOk, runWatched } from '../exec.ts';
import { hashFile } from './image.ts';
import { createHead, FIND_FORMAT, type Listing, parseFind, parsePseudo } from './listing.ts';
import { type Packages, parseDpkg, parsePacman } from './package-list.ts';

/** One of two trees that are compared. */
export interface Side {
  label: string;
  listing: Listing;
  /** SHA-256 of a file; undefined where it cannot be read. */
  hash(path: string): Promise<string | undefined>;
  /** The text of files, one after another; those that are not there are left out. */
  read(paths: readonly string[]): Promise<string>;
}

const LIST_MS = 300_000;
const READ_MS = 60_000;
/** Of names in one argv. */
const AT_ONCE = 1000;

/** A version's image, from its own folders; nothing is mounted. @throws ProloError `not-found`, `failed` */
export async function openImage(label: string, image: string): Promise<Side> {
  if (!(await lstat(image).catch(() => undefined)))
    throw new ProloError('not-found', `${label}: ${image} is not there`, {
      hint: '`prolo rfs verify --repair` brings it from a server',
    });
  const listing = parsePseudo(await readHead(label, image));
  const cat = async (paths: readonly string[]): Promise<{ bytes: Buffer; trouble: string | undefined }> => {
    const { exitCode, stdout, stderr } = await run(['unsquashfs', '-no-wildcards', '-cat', image, ...paths], {
      encoding: 'latin1',
      timeoutMs: READ_MS,
    });
    const trouble = exitCode === 0 ? undefined : lastLine(stderr);
    return { bytes: Buffer.from(stdout, 'latin1'), trouble };
  };
  return {
    label,
    listing,
    async hash(path) {
      const { bytes, trouble } = await cat([path]);
      if (trouble !== undefined || bytes.length !== listing.get(path)?.bytes) return undefined;
      return createHash('sha256').update(bytes).digest('hex');
    },
    async read(paths) {
      const there = paths.filter((path) => listing.get(path)?.kind === 'file');
      const texts: string[] = [];
      for (let i = 0; i < there.length; i += AT_ONCE) {
        const { bytes, trouble } = await cat(there.slice(i, i + AT_ONCE));
        if (trouble !== undefined) throw unreadable(label, image, trouble);
        texts.push(bytes.toString('utf8'));
      }
      return texts.join('');
    },
  };
}

/**
 * What an image's folders say. It comes in front of all contents, so it ends there; through a named pipe, since unsquashfs opens its
 * output by name.
 */
async function readHead(label: string, image: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'prolo-image-'));
  const pipe = join(dir, 'pipe');
  const head = createHead();
  const enough = new AbortController();
  const options = { timeoutMs: LIST_MS, signal: enough.signal };
  const broken = (error: unknown): void => {
    if (!enough.signal.aborted) throw error;
  };
  try {
    await runOk(['mkfifo', '-m', '600', pipe]);
    const reading = runWatched(['cat', pipe], (part) => head.push(part) && enough.abort(), options);
    const writing = run(['unsquashfs', '-quiet', '-no-progress', '-pf', pipe, image], options);
    const [wrote] = await Promise.all([
      // Where it never opens the pipe, nobody else ends who waits there.
      writing.then((result) => (result.exitCode === 0 ? undefined : (enough.abort(), result)), broken),
      reading.then(() => undefined, broken),
    ]);
    if (!wrote || head.whole()) return head.text();
    throw unreadable(label, image, lastLine(wrote.stderr));
  } finally {
    enough.abort();
    await rm(dir, { recursive: true, force: true });
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)!;

function unreadable(label: string, image: string, words: string): ProloError {
  return new ProloError('failed', `${label}: ${image}: ${words}`, {
    hint: '`prolo rfs verify` says whether it is whole',
  });
}

/** A tree on this host. @throws ProloError `not-found`, `failed` where not all of it can be seen */
export async function openTree(label: string, tree: string): Promise<Side> {
  const root = await realpath(tree).catch(() => {
    throw new ProloError('not-found', `${label}: ${tree} is not there`, {
      hint: '`prolo rfs init` makes it',
    });
  });
  const parts: Buffer[] = [];
  const { exitCode, stderr } = await runWatched(
    ['find', root, '-xdev', '-printf', FIND_FORMAT],
    (part) => void parts.push(part),
    { timeoutMs: LIST_MS },
  );
  if (exitCode !== 0)
    throw new ProloError('failed', `${label}: ${stderr.trim().split('\n')[0]}`, {
      hint: 'does something change it just now? then again',
    });
  const listing = parseFind(Buffer.concat(parts).toString('utf8'));
  return {
    label,
    listing,
    hash: async (path) => (await hashFile(join(root, path)).catch(() => undefined))?.sha256,
    async read(paths) {
      const there = paths.filter((path) => listing.get(path)?.kind === 'file');
      return (await Promise.all(there.map((path) => readFile(join(root, path), 'utf8')))).join('');
    },
  };
}

/** What dpkg or pacman says is installed. */
export async function readPackages({ listing, read }: Side): Promise<Packages> {
  const pacman = parsePacman(listing.keys());
  return pacman.size > 0 ? pacman : parseDpkg(await read(['var/lib/dpkg/status']));
}

/** Whether a file is one of these packages', on either side, or is what the package manager writes of them. */
export async function readOwned(
  sides: readonly Side[],
  names: readonly string[],
): Promise<(path: string) => boolean> {
  const owned = new Set<string>();
  for (const side of sides) {
    const folder = 'var/lib/dpkg/info/';
    const wanted = new Set(names);
    const lists = [...side.listing.keys()].filter(
      (path) =>
        path.startsWith(folder) &&
        path.endsWith('.list') &&
        wanted.has(path.slice(folder.length, -'.list'.length).replace(/:[^:]*$/, '')),
    );
    for (const line of (await side.read(lists)).split('\n'))
      if (line.startsWith('/') && line.length > 2) owned.add(realName(side.listing, line.slice(1)));
  }
  const changed = names.length > 0;
  return (path) => owned.has(path) || (changed && /^var\/(lib|cache)\/(dpkg|apt|pacman)\//.test(path));
}

/** Packages say `bin/sh` where `bin` is a link to `usr/bin`. */
function realName(listing: Listing, path: string): string {
  const slash = path.indexOf('/');
  const top = slash < 0 ? undefined : listing.get(path.slice(0, slash));
  return top?.kind === 'link' ? `${top.target.replace(/^\//, '')}${path.slice(slash)}` : path;
}
