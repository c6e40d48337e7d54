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

/**
 * Who was on which machine at a time.
 * @param presence and @param mdb the log of each from its beginning, in its order
 * @param at ISO 8601, UTC
 */
export function sessionsAt(
  presence: readonly LoggedChange[],
  mdb: readonly LoggedChange[],
  at: string,
): PastSession[] {
  const sessions = new Map<string, PastSession>();
  const addresses = addressesAt(mdb, at);
  for (const change of presence)
    for (const { type, data } of change.updates) {
      const { login, hostname } = data as { login: string; hostname: string };
      const open = sessions.get(login);
      if (change.at <= at) {
        const ip = addresses.get(hostname) ?? '';
        if (type === 'update') sessions.set(login, { login, hostname, ip, since: change.at, until: null });
        else sessions.delete(login);
      } else if (open?.hostname === hostname && type === 'delete') open.until ??= change.at;
    }
  return [...sessions.values()].sort((a, b) => (a.login < b.login ? -1 : 1));
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
