import { createHash } from 'node:crypto';
import { ProloError } from '../errors.ts';
import { runWatched } from '../exec.ts';
import type { TreeFile } from './leftovers.ts';

/** Of each file its name, kind, mode, owner, size, device number, times of its data and of its inode, and a link's target. */
const FACTS = ['%P', '%y', '%m', '%U', '%G', '%s', '%T@', '%C@', '%l'].join('\\t');

/** All that a tree's folders say of it, no file read. */
export interface Listing {
  /** A hash of it. Whatever is written into the tree changes it; what only reads it does not. */
  fingerprint: string;
  /** Its plain files. */
  files(): TreeFile[];
}

/** @throws ProloError `not-found` when there is no such tree, or it changes just now */
export async function listTree(tree: string): Promise<Listing> {
  const hash = createHash('sha256');
  const parts: Buffer[] = [];
  const { exitCode, stderr } = await runWatched(
    ['find', tree, '-xdev', '-printf', `${FACTS}\\0`],
    (part) => {
      hash.update(part);
      parts.push(part);
    },
    { timeoutMs: 120_000 },
  );
  if (exitCode === 0)
    return { fingerprint: hash.digest('hex'), files: () => parseFiles(Buffer.concat(parts).toString()) };
  throw new ProloError('not-found', `staging ${tree}: ${stderr.trim().split('\n')[0]}`, {
    hint: 'make it with `prolo rfs init`; or does something change it just now?',
  });
}

export async function fingerprint(tree: string): Promise<string> {
  return (await listTree(tree)).fingerprint;
}

/** Of a version: of the tree, and of whatever else decides its bytes. */
export function versionFingerprint(tree: string, means: readonly (string | number)[]): string {
  return createHash('sha256')
    .update(JSON.stringify([tree, ...means]))
    .digest('hex');
}

function parseFiles(listing: string): TreeFile[] {
  return listing.split('\0').flatMap((line): TreeFile[] => {
    // A name can have tabs in it, what comes after it cannot; a link's target is empty for a file.
    const [, path, bytes] = /^(.*)\tf\t\d+\t\d+\t\d+\t(\d+)\t[^\t]*\t[^\t]*\t$/s.exec(line) ?? [];
    return path === undefined ? [] : [{ path, bytes: Number(bytes) }];
  });
}
