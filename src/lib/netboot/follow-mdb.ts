import type { Logger } from '../log.ts';
import { listMachines } from '../mdb/machines.ts';
import { snapshot } from '../store/change-log.ts';
import { followChanges } from '../store/follow.ts';
import type { Store } from '../store/store.ts';
import { type MdbView, viewOf } from './view.ts';

export interface MdbFollower {
  /** MDB as it was a moment ago; asking costs nothing. */
  view(): MdbView;
  stop(): Promise<void>;
}

/**
 * Keeps MDB in memory. What is not in the feed (`boot_once`) counts too, so a change reads the table again: once for a
 * burst of them. A database that is gone leaves the last view.
 */
export async function followMdb(store: Store, pollMs: number, log: Logger): Promise<MdbFollower> {
  const { records, seq } = await snapshot(store, listMachines);
  let view = viewOf(records);
  let stopped = false;
  let wanted = false;
  let reading: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;

  const read = async (): Promise<void> => {
    while (wanted && !stopped) {
      wanted = false;
      try {
        view = viewOf(await listMachines(store.knex));
      } catch (error) {
        log.warn({ error: String(error) }, 'netboot: cannot read MDB now, trying again');
        retry = setTimeout(reload, 500);
      }
    }
  };
  const reload = (): void => {
    wanted = true;
    reading ??= read().finally(() => {
      reading = undefined;
      if (wanted && !stopped) reload();
    });
  };
  const following = await followChanges(store, { feed: 'mdb', after: seq, onChange: reload, pollMs, log });
  return {
    view: () => view,
    async stop() {
      stopped = true;
      clearTimeout(retry);
      await following.stop();
      await reading;
    },
  };
}
