import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asProloError, ProloError } from './errors.ts';
import { createLocks } from './locks.ts';

const WAIT_MS = 10_000;
const locks = createLocks();

/**
 * Works on a file while no other process does that asks here too. Beside it is an empty database of SQLite's, whose lock is the
 * kernel's: it ends with the process that has it, however that ends.
 * @throws ProloError `unavailable` when another has it for ten seconds, or there can be none
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  // Waiting for another process stops this one; so there must be none of our own that it waits for.
  return locks(file, async () => {
    const lock = await openLock(`${file}.lock`);
    try {
      return await work();
    } finally {
      lock.close();
    }
  });
}

/** As `withFileLock`, for work that is long: undefined at once when another process has it. */
export async function tryFileLock(file: string): Promise<{ close(): unknown } | undefined> {
  return openLock(`${file}.lock`, 0).catch((error: unknown) => {
    if (asProloError(error).kind === 'unavailable') return undefined;
    throw error;
  });
}

async function openLock(file: string, timeout = WAIT_MS): Promise<{ close(): unknown }> {
  const { default: Database } = await import('better-sqlite3');
  let lock: { exec(sql: string): unknown; close(): unknown } | undefined;
  try {
    await mkdir(dirname(file), { recursive: true });
    lock = new Database(file, { timeout });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock?.close();
    const { kind } = asProloError(cause);
    throw new ProloError(kind, `file ${file}: ${(cause as Error).message}`, { cause });
  }
}
