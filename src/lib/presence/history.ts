import type { Knex } from 'knex';
import type { Update } from '../store/change-log.ts';

/** A session of then. */
export interface PastSession {
  login: string;
  hostname: string;
  /** Of the machine at that time; empty where MDB did not know it. */
  ip: string;
  /** ISO 8601, UTC. */
  since: string;
  /** ISO 8601, UTC; null: it lasts still. */
  until: string | null;
}

/** A line of the change log. */
export interface LoggedChange {
  /** ISO 8601, UTC. */
  at: string;
  updates: readonly Update[];
}

/** A log's times are of a second, or finer; one that is of a whole second may mean any moment in it. */
const SECOND_MS = 1000;

/**
 * Who was on which machine at a time; of a whole second: at any moment in it.
 * @param presence and @param mdb the log of each from its beginning, in its order
 * @param at ISO 8601, UTC
 */
export function sessionsAt(
  presence: readonly LoggedChange[],
  mdb: readonly LoggedChange[],
  at: string,
): PastSession[] {
  const atMs = Date.parse(at);
  const last = atMs % SECOND_MS === 0 ? new Date(atMs + SECOND_MS - 1).toISOString() : at;
  const addresses = addressesAt(mdb, last);
  const open = new Map<string, PastSession>();
  const found: PastSession[] = [];
  for (const change of presence)
    for (const { type, data } of change.updates) {
      const { login, hostname } = data as { login: string; hostname: string };
      const session = open.get(login);
      if (session) {
        session.until = change.at;
        open.delete(login);
        if (session.until > at) found.push(session);
      }
      if (type === 'update' && change.at <= last)
        open.set(login, {
          ...{ login, hostname, ip: addresses.get(hostname) ?? '' },
          ...{ since: change.at, until: null },
        });
    }
  return [...found, ...open.values()].sort((a, b) =>
    a.login === b.login ? (a.since < b.since ? -1 : 1) : a.login < b.login ? -1 : 1,
  );
}

/** Of each machine that MDB had then. */
function addressesAt(mdb: readonly LoggedChange[], at: string): Map<string, string> {
  const machines = new Map<unknown, { hostname: string; ip: string }>();
  for (const change of mdb)
    if (change.at <= at)
      for (const { type, data } of change.updates)
        if (type === 'delete') machines.delete(data.mac);
        else machines.set(data.mac, data as { hostname: string; ip: string });
  return new Map([...machines.values()].map(({ hostname, ip }) => [hostname, ip]));
}

/** As `sessionsAt`, of what the gateway's database says. */
export async function readSessionsAt(db: Knex, at: string): Promise<PastSession[]> {
  const log = async (feed: 'presence' | 'mdb'): Promise<LoggedChange[]> => {
    const rows = (await db('changes').where({ feed }).orderBy('seq').select('at', 'updates')) as {
      at: string;
      updates: string;
    }[];
    return rows.map(({ at, updates }) => ({ at, updates: JSON.parse(updates) as Update[] }));
  };
  const [presence, mdb] = [await log('presence'), await log('mdb')];
  return sessionsAt(presence, mdb, at);
}
