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
  const hint = '`prolo rfs prune` takes away versions that nobody boots';
  return isNoRoom(error) ? notAllWritten(dir, 'a version was written', hint, error) : error;
}

/** The same of the system's folder for temporary files, which is often of another file system. */
export function noRoomToUnpack(error: unknown): unknown {
  const hint = 'make room there, or name another folder: `TMPDIR=/var/tmp prolo rfs commit …`';
  return isNoRoom(error) ? notAllWritten(tmpdir(), 'modules were unpacked', hint, error) : error;
}

/** What says so in our words says where. */
function isNoRoom(error: unknown): boolean {
  if (error instanceof ProloError && error.kind === 'full') return false;
  const { kind, message } = asProloError(error);
  return kind === 'full' || /ENOSPC|no space left/i.test(message);
}

function notAllWritten(dir: string, meanwhile: string, hint: string, cause: unknown): ProloError {
  return new ProloError('full', `folder ${dir}: no space left while ${meanwhile}`, { hint, cause });
}

export const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
