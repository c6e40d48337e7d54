import type { Knex } from 'knex';
import { audit, change, rehearse } from '../store/change-log.ts';
import type { Store } from '../store/store.ts';
import { type ContestMode, NEVER, phaseAt } from './mode.ts';

export async function readMode(db: Knex): Promise<ContestMode> {
  const row = (await db('contest')
    .where({ id: 1 })
    .first('epoch', 'starts_at', 'ends_at', 'homes', 'changed_at', 'changed_by')) as
    Omit<ContestMode, 'name'> | undefined;
  return row ? { name: 'contest', ...row } : NEVER;
}

export async function contestRuns(db: Knex, now: Date): Promise<boolean> {
  return phaseAt(await readMode(db), now.getTime()) === 'on';
}

/**
 * Changes the row, and tells those who follow it.
 * @param decide the row as it shall be; what it throws changes nothing
 * @param dryRun changes nothing, and returns what it would be
 */
export async function changeMode(
  store: Store,
  actor: string,
  decide: (mode: ContestMode) => ContestMode,
  dryRun = false,
): Promise<ContestMode> {
  const work = async (tx: Knex.Transaction) => {
    const value = decide(await readMode(tx));
    const { name, ...row } = value;
    await tx('contest')
      .insert({ id: 1, ...row })
      .onConflict('id')
      .merge();
    await audit(tx, actor, name, describeTimes(value));
    return { value, updates: [{ type: 'update' as const, data: { ...value } }] };
  };
  return dryRun ? (await rehearse(store, work)).value : change(store, 'contest', actor, work);
}

function describeTimes({ epoch, starts_at, ends_at, homes }: ContestMode): string {
  if (starts_at === null) return `epoch ${epoch}: does not run`;
  return `epoch ${epoch}: from ${starts_at}${ends_at === null ? '' : ` to ${ends_at}`}, homes ${homes}`;
}
