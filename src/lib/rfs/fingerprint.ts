import { createHash } from 'node:crypto';
import { ProloError } from '../errors.ts';
import { runWatched } from '../exec.ts';
import type { TreeFile } from './leftovers.ts';

/**
 * Of each file its kind, mode, owner, size, times of its data and of its inode, the inode's number, and its name; then a link's target.
 * Names may have tabs in them, so they come last.
 */
const FACTS = `${['%y', '%m', '%U', '%G', '%s', '%T@', '%C@', '%i', '%P'].join('\\t')}\\0%l\\0`;

/** All that a tree's folders say of it, no file read. */
export interface Listing {
  /** A hash of it. Whatever is written into the tree changes it; what only reads it does not. */
  fingerprint: string;
  /** What was hashed. */
  facts(): Buffer;
  /** Its plain files. */
  files(): TreeFile[];
}

/** @throws ProloError `not-found` when there is no such tree, or it changes just now */
export async function listTree(tree: string): Promise<Listing> {
  const hash = createHash('sha256');
  const parts: Buffer[] = [];
  const { exitCode, stderr } = await runWatched(
    ['find', tree, '-xdev', '-printf', FACTS],
    (part) => {
      hash.update(part);
      parts.push(part);
    },
    { timeoutMs: 120_000 },
  );
  if (exitCode === 0)
    return {
      fingerprint: hash.digest('hex'),
      facts: () => Buffer.concat(parts),
      files: () => parseFiles(Buffer.concat(parts).toString()),
    };
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
  return listing.split('\0').flatMap((line, i): TreeFile[] => {
    const [, bytes, path] =
      (i % 2 === 0 && /^f\t\d+\t\d+\t\d+\t(\d+)\t[^\t]*\t[^\t]*\t\d+\t(.*)$/s.exec(line)) || [];
    return path === undefined ? [] : [{ path, bytes: Number(bytes) }];
  });
}
