import { existsSync } from 'node:fs';
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
