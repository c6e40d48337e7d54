import { asProloError, ProloError } from '../errors.ts';
import type { Site } from '../site/site.ts';
import { audit } from '../store/change-log.ts';
import { type Store, transact } from '../store/store.ts';
import { tellPresence } from './client.ts';
import type { Pair } from './state.ts';
import { findPresence } from './table.ts';
import { writePresence } from './write.ts';

/** Ends sessions in the store, for when presencesync does not run: it alone writes while it does. */
export async function endInStore(store: Store, actor: string, pairs: readonly Pair[]): Promise<void> {
  for (const pair of pairs) {
    const association = await findPresence(store.knex, pair.login);
    if (association?.hostname !== pair.hostname) continue;
    await writePresence(
      store,
      [
        { type: 'end', association },
        { type: 'bury', pair },
      ],
      [{ actor, action: 'presence logout', details: `${pair.login} at ${pair.hostname}` }],
    );
  }
}

/**
 * Ends a session for an operator: presencesync does, or where it does not run the store is written.
 * @returns whether the store was
 * @throws ProloError `forbidden` or `conflict` in presencesync's words, `unavailable`
 */
export async function endSession(
  site: Site,
  store: Store | undefined,
  actor: string,
  pair: Pair,
): Promise<boolean> {
  try {
    const { status, text } = await tellPresence(site, 'logout', pair);
    if (status !== 200)
      throw new ProloError(status === 403 ? 'forbidden' : 'conflict', `presencesync: ${text}`);
  } catch (error) {
    if (!store || !isRefusedConnection(asProloError(error))) throw error;
    await endInStore(store, actor, [pair]);
    return true;
  }
  // presencesync knows the address alone.
  if (store)
    await transact(store, (tx) => audit(tx, actor, 'presence logout', `${pair.login} at ${pair.hostname}`));
  return false;
}

/** Nobody listens there: a daemon that is slow, or says no, is the one that writes. */
function isRefusedConnection(error: Error): boolean {
  for (let one: unknown = error; one instanceof Error; one = one.cause)
    if ((one as NodeJS.ErrnoException).code === 'ECONNREFUSED') return true;
  return false;
}
