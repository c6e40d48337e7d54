import type { Knex } from 'knex';
import { ProloError } from './errors.ts';
import { audit } from './store/change-log.ts';
import { type Store, transact } from './store/store.ts';

/** Why nothing may be destroyed now, and who said so. */
export interface SiteLock {
  reason: string;
  by: string;
  /** ISO 8601. */
  at: string;
}

const KEY = 'lock';

export async function readLock(db: Knex): Promise<SiteLock | undefined> {
  const row = (await db('settings').where({ key: KEY }).first('value')) as { value: string } | undefined;
  return row && (JSON.parse(row.value) as SiteLock);
}

/** Locks, or gives a lock another reason. */
export async function lockSite(store: Store, lock: SiteLock): Promise<void> {
  await transact(store, async (tx) => {
    await tx('settings')
      .insert({ key: KEY, value: JSON.stringify(lock) })
      .onConflict('key')
      .merge();
    await audit(tx, lock.by, 'lock', lock.reason);
  });
}

/** @returns the lock that there was */
export function unlockSite(store: Store, actor: string): Promise<SiteLock | undefined> {
  return transact(store, async (tx) => {
    const lock = await readLock(tx);
    if (!lock) return undefined;
    await tx('settings').where({ key: KEY }).delete();
    await audit(tx, actor, 'unlock', lock.reason);
    return lock;
  });
}

/**
 * Before anything is destroyed.
 * @param command such as `mdb rm`
 * @param override why it is done all the same
 * @throws ProloError `forbidden` while the site is locked, unless there is a reason to override it, which is written down
 */
export async function passLock(
  store: Store,
  actor: string,
  command: string,
  override: string | undefined,
): Promise<void> {
  const lock = await readLock(store.knex);
  if (!lock) return;
  if (!override?.trim())
    throw new ProloError('forbidden', `${command}: locked by ${lock.by} (${lock.reason})`, {
      hint: 'when it has to be: --override REASON, which is logged; `prolo unlock` ends the lock',
    });
  await transact(store, (tx) => audit(tx, actor, 'override', `${command}: ${override}`));
}
