import type { Knex } from 'knex';
import type { Logger } from '../log.ts';
import { listMachines } from '../mdb/machines.ts';
import { listBoots } from '../rfs/table.ts';
import { snapshot } from '../store/change-log.ts';
import { followChanges } from '../store/follow.ts';
import type { Store } from '../store/store.ts';
import { type MdbView, viewOf } from './view.ts';

export interface MdbFollower {
  /** MDB as it was a moment ago; asking costs nothing. */
  view(): MdbView;
  stop(): Promise<void>;
}

/** MDB, and what is booted, as the database has them now. */
export async function readView(db: Knex): Promise<MdbView> {
  return viewOf(await listMachines(db), await listBoots(db));
}

/**
 * Keeps MDB in memory, and what each RFS's machines boot. What is not in the feed (`boot_once`) counts too, so a change reads the table again: once for a
 * burst of them. A database that is gone leaves the last view.
 */
export async function followMdb(store: Store, pollMs: number, log: Logger): Promise<MdbFollower> {
  const { records, seq } = await snapshot(store, async (tx) => [await readView(tx)]);
  let view = records[0]!;
  let stopped = false;
  let wanted = false;
  let reading: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;

  const read = async (): Promise<void> => {
    while (wanted && !stopped) {
      wanted = false;
      try {
        view = await readView(store.knex);
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
  const following = await Promise.all(
    (['mdb', 'rfs'] as const).map((feed) =>
      followChanges(store, { feed, after: seq, onChange: reload, pollMs, log }),
    ),
  );
  return {
    view: () => view,
    async stop() {
      stopped = true;
      clearTimeout(retry);
      await Promise.all(following.map((one) => one.stop()));
      await reading;
    },
  };
}
