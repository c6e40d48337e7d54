import type { Knex } from 'knex';
import { isContestant } from '../../contest/internet.ts';
import { CONTEST_SET } from '../../contest/mode.ts';
import { readMode } from '../../contest/table.ts';
import { findPresence } from '../../presence/table.ts';
import type { Config, Group } from '../../site/schema.ts';
import type { Tx } from '../../store/store.ts';
import { type HomeKey, USUAL } from '../home-name.ts';
import type { HomeSession, SessionId, SetFacts } from './sets.ts';

/** Of what one transaction sees. */
export async function readSetFacts(
  db: Knex,
  config: Pick<Config, 'contest'>,
  { login, group }: { login: string; group: Group },
): Promise<SetFacts> {
  const choice = (await db('home_choices').where({ login }).first('set')) as { set: string } | undefined;
  return {
    session: await findPresence(db, login),
    given: await findSession(db, login),
    chosen: choice?.set,
    contestant: isContestant(config, group),
    mode: await readMode(db),
  };
}

export async function findSession(db: Knex, login: string): Promise<HomeSession | undefined> {
  return db<HomeSession>('home_sessions').where({ login }).first();
}

/** Who was given what last, whether they are still logged on or not. */
export async function listSessions(db: Knex): Promise<HomeSession[]> {
  return (await db('home_sessions').select()) as HomeSession[];
}

/** All homes but those that are still to be made. */
export async function listMade(db: Knex): Promise<HomeKey[]> {
  return (await db('homes').whereNot({ state: 'creating' }).select('login', 'set')) as HomeKey[];
}

/** All that somebody has a home of, or that the contest gives, or would give where nobody says which; the usual one first. */
export async function listSets(db: Knex): Promise<string[]> {
  const rows = (await db('homes').distinct('set').orderBy('set')) as { set: string }[];
  return [...new Set([USUAL, CONTEST_SET, (await readMode(db)).homes, ...rows.map(({ set }) => set)])];
}

export async function writeSession(
  tx: Tx,
  { login, hostname, since }: SessionId,
  set: string,
): Promise<void> {
  await tx('home_sessions').insert({ login, hostname, since, set }).onConflict('login').merge();
}

/** By login: those for whom an operator has said which. */
export async function listChoices(db: Knex): Promise<Map<string, string>> {
  const rows = (await db('home_choices').select('login', 'set')) as HomeKey[];
  return new Map(rows.map(({ login, set }) => [login, set]));
}

/** @param set null: the contest decides again */
export async function writeChoice(tx: Tx, login: string, set: string | null): Promise<void> {
  if (set === null) await tx('home_choices').where({ login }).delete();
  else await tx('home_choices').insert({ login, set }).onConflict('login').merge();
}
