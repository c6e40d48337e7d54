import { statfs } from 'node:fs/promises';
import { ProloError } from '../errors.ts';

/** What is never taken: file systems want some room of their own. */
export const SPARE_BYTES = 16 * 1024 ** 2;

/**
 * @param needBytes about so much: what the version before has
 * @throws ProloError `full` where there is less
 */
export async function mustHaveSpace(dir: string, needBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  const freeBytes = bavail * bsize;
  if (freeBytes < needBytes + SPARE_BYTES) throw full('the gateway', dir, needBytes, freeBytes);
}

/** The error that says where, how much is needed and how much is left. */
export function full(where: string, dir: string, needBytes: number, freeBytes: number): ProloError {
  return new ProloError(
    'full',
    `${where}: ${dir}: a version needs ${megabytes(needBytes)}, ${megabytes(freeBytes)} are free`,
    { hint: '`prolo rfs prune` takes away versions that nobody boots' },
  );
}

export const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
