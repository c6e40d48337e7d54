import type { Knex } from 'knex';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { ProloError } from '../errors.ts';
import { type Store, transact } from '../store/store.ts';

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
export type Applied = Static<typeof Applied>;

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
