import type { Knex } from 'knex';
import type { Update } from './change-log.ts';

/** A line of what was done: a change of MDB, UDB or presence, or one of the audit (who looked at what, who set what). */
export interface HistoryEntry {
  /** ISO 8601, UTC. */
  at: string;
  actor: string;
  /** `mdb`, `udb`, `presence` or `audit`. */
  source: string;
  what: string;
}

/** The newest `last` lines, the newest last. @param source only of this one */
export async function readHistory(db: Knex, last: number, source?: string): Promise<HistoryEntry[]> {
  const changes =
    source === 'audit'
      ? []
      : ((await db('changes')
          .where(source ? { feed: source } : {})
          .orderBy('seq', 'desc')
          .limit(last)) as { at: string; actor: string; feed: string; updates: string }[]);
  const audit =
    source === undefined || source === 'audit'
      ? ((await db('audit').orderBy('id', 'desc').limit(last)) as {
          at: string;
          actor: string;
          action: string;
          details: string;
        }[])
      : [];
  return [
    ...changes.map(({ at, actor, feed, updates }) => ({
      at,
      actor,
      source: feed,
      what: describeUpdates(JSON.parse(updates) as Update[]),
    })),
    ...audit.map(({ at, actor, action, details }) => ({
      at,
      actor,
      source: 'audit',
      what: `${action}: ${details}`,
    })),
  ]
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    .slice(-last);
}

/** `update pas-r01p01, pas-r01p02 and 94 more; delete 52:54:00:00:00:01` */
function describeUpdates(updates: readonly Update[]): string {
  return (['delete', 'update'] as const)
    .map((type) => ({ type, names: updates.filter((update) => update.type === type).map(nameOf) }))
    .filter(({ names }) => names.length > 0)
    .map(({ type, names }) => {
      const more = names.length > 4 ? ` and ${names.length - 4} more` : '';
      return `${type} ${names.slice(0, 4).join(', ')}${more}`;
    })
    .join('; ');
}

function nameOf({ data }: Update): string {
  if (data.login !== undefined && data.hostname !== undefined)
    return `${String(data.login)} at ${String(data.hostname)}`;
  return String(data.hostname ?? data.login ?? data.mac ?? data.name ?? '?');
}
