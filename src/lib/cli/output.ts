import { existsSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ProloError } from '../errors.ts';

/**
 * Before a file that a person named is written: a folder that is not there may be a stick that is not mounted.
 * @throws ProloError `not-found`
 */
export function checkFolder(file: string): void {
  const folder = dirname(resolve(file));
  if (existsSync(folder)) return;
  throw new ProloError('not-found', `${folder}: no such folder`, {
    hint: 'make it first; or is a disk not mounted?',
  });
}

/**
 * A folder that a person named, made if it is not there; its parent must be. Never with those above it: where the kernel makes
 * the files, as in /proc, Node tries that for ever.
 * @throws ProloError `not-found`; `bad-input` for what is a file; what the system says
 */
export async function makeFolder(dir: string): Promise<void> {
  checkFolder(dir);
  const there = statSync(dir, { throwIfNoEntry: false });
  if (there && !there.isDirectory()) throw new ProloError('bad-input', `${dir}: a file, not a folder`);
  if (!there) await mkdir(dir);
}
