import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { asProloError, ProloError } from '../errors.ts';

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

/** The same of what ended while a version was written: where there was no room left, that says where, and the way out. */
export function noRoom(dir: string, error: unknown): unknown {
  const known = asProloError(error);
  const isFull = known.kind === 'full' || /ENOSPC|no space left/i.test(known.message);
  if (!isFull || known.hint?.includes('rfs prune')) return error;
  return new ProloError('full', `folder ${dir}: no space left while a version was written`, {
    hint: `\`prolo rfs prune\` takes away versions that nobody boots; has ${tmpdir()} room? modules are unpacked there`,
    cause: error,
  });
}

export const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
