import type { Knex } from 'knex';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { ProloError } from '../errors.ts';
import { audit, change, rehearse } from '../store/change-log.ts';
import { type Store, transact } from '../store/store.ts';
import { type ContestMode, NEVER, phaseAt } from './mode.ts';

export async function readMode(db: Knex): Promise<ContestMode> {
  const row = (await db('contest')
    .where({ id: 1 })
    .first('epoch', 'starts_at', 'ends_at', 'changed_at', 'changed_by')) as
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

function describeTimes({ epoch, starts_at, ends_at }: ContestMode): string {
  if (starts_at === null) return `epoch ${epoch}: does not run`;
  return `epoch ${epoch}: from ${starts_at}${ends_at === null ? '' : ` to ${ends_at}`}`;
}

/** What a consumer says that it has reached. */
const Applied = Type.Object(
  {
    consumer: Type.String({ pattern: '^[a-z][a-z0-9@-]{0,62}$' }),
    epoch: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
    phase: Type.Enum(['off', 'waiting', 'on']),
    problem: Type.String({ maxLength: 500 }),
  },
  { additionalProperties: false },
);
export type Applied = Type.Static<typeof Applied>;

/** Of the store. */
export interface Heard extends Applied {
  /** ISO 8601, UTC */
  seen_at: string;
}

/** @throws ProloError `bad-input` */
export function parseApplied(text: string): Applied {
  let applied: unknown;
  try {
    applied = JSON.parse(text);
  } catch {
    applied = undefined;
  }
  if (Value.Check(Applied, applied)) return applied;
  throw new ProloError('bad-input', 'applied: expected consumer, epoch, phase and problem', {
    hint: 'data is {"consumer": "firewall", "epoch": 1, "phase": "off, waiting or on", "problem": ""}',
  });
}

export async function noteApplied(store: Store, applied: Applied, now: Date): Promise<void> {
  const row = { ...applied, seen_at: now.toISOString() };
  await transact(store, (tx) => tx('contest_applied').insert(row).onConflict('consumer').merge());
}

export async function listApplied(db: Knex): Promise<Heard[]> {
  return (await db('contest_applied').orderBy('consumer').select()) as Heard[];
}
