import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProloError } from '../errors.ts';
import { tryFileLock } from '../file-lock.ts';

const WAIT_MS = 20_000;

/**
 * Works on the files of accounts while no `useradd`, `passwd` or `systemd-sysusers` does: the lock of lckpwdf(3), a record lock on all of
 * `.pwd.lock`. SQLite's lock on an empty file is one on some of its bytes. It ends with the process that has it.
 * @throws ProloError `unavailable` when another has it too long
 */
export async function withPwdLock<T>(etc: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  await (await open(join(etc, '.pwd.lock'), 'a', 0o600)).close();
  const giveUpMs = performance.now() + WAIT_MS;
  for (;;) {
    const lock = await tryFileLock(join(etc, '.pwd'));
    if (lock)
      try {
        return await work();
      } finally {
        lock.close();
      }
    if (performance.now() > giveUpMs)
      throw new ProloError('unavailable', `${join(etc, '.pwd.lock')}: another program has it`, {
        hint: 'a useradd or passwd that hangs? `fuser` shows who has the file',
      });
    await sleep(20, undefined, { signal });
  }
}
