import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createLocks } from '../locks.ts';

const WAIT_MS = 10_000;
const locks = createLocks();

/**
 * Works on a file while no other process does that asks here too. Beside it is an empty database of SQLite's, whose lock is the
 * kernel's: it ends with the process that has it, however that ends.
 * @throws ProloError `unavailable` when another has it for ten seconds (by way of `asProloError`)
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const { default: Database } = await import('better-sqlite3');
  // Waiting for another process stops this one; so there must be none of our own that it waits for.
  return locks(file, async () => {
    await mkdir(dirname(file), { recursive: true });
    const lock = new Database(`${file}.lock`, { timeout: WAIT_MS });
    try {
      lock.exec('BEGIN EXCLUSIVE');
      return await work();
    } finally {
      lock.close();
    }
  });
}
