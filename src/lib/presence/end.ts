import type { Store } from '../store/store.ts';
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
