import { auditAll, type AuditEntry, change, type Update } from '../store/change-log.ts';
import { readTogether, type Store, type Tx } from '../store/store.ts';
import { type Effect, type Pair, pairKey } from './state.ts';
import { type Association, listPresence } from './table.ts';

/** What the steps come to: rows that go, then rows that come. Of a pair that is ended and begun, the last step counts. */
export interface Rows {
  begin: Association[];
  end: string[];
  bury: Pair[];
  unbury: Pair[];
}

export function rowsOf(effects: readonly Effect[]): Rows {
  const [begin, end] = [new Map<string, Association>(), new Set<string>()];
  const pairs = new Map<string, { bury: boolean; pair: Pair }>();
  for (const effect of effects)
    if (effect.type === 'begin') begin.set(effect.association.login, effect.association);
    else if (effect.type === 'end') {
      if (!begin.delete(effect.association.login)) end.add(effect.association.login);
    } else if (effect.type === 'bury' || effect.type === 'unbury')
      pairs.set(pairKey(effect.pair), { bury: effect.type === 'bury', pair: effect.pair });
  const all = [...pairs.values()];
  const which = (bury: boolean): Pair[] => all.filter((one) => one.bury === bury).map(({ pair }) => pair);
  return { begin: [...begin.values()], end: [...end], bury: which(true), unbury: which(false) };
}

/** What subscribers are told, in the order in which it happened. */
export function updatesOf(effects: readonly Effect[]): Update[] {
  return effects.flatMap((effect): Update[] => {
    if (effect.type !== 'begin' && effect.type !== 'end') return [];
    const { login, hostname } = effect.association;
    return [{ type: effect.type === 'begin' ? 'update' : 'delete', data: { login, hostname } }];
  });
}

/** SQLite bounds the terms of one statement. */
const AT_ONCE = 100;

/** Everything that was decided together, in one transaction and one line of the change log. */
export async function writePresence(
  store: Store,
  effects: readonly Effect[],
  notes: readonly AuditEntry[],
): Promise<void> {
  const rows = rowsOf(effects);
  await change(store, 'presence', 'presencesync', async (tx) => {
    for (const logins of parts(rows.end)) await tx('presence').whereIn('login', logins).delete();
    for (const some of parts(rows.unbury)) await removeEnded(tx, some);
    for (const some of parts(rows.begin)) await tx('presence').insert(some);
    for (const some of parts(rows.bury))
      await tx('presence_ended')
        .insert(some.map(({ login, hostname }) => ({ login, hostname })))
        .onConflict(['login', 'hostname'])
        .ignore();
    for (const some of parts(notes)) await auditAll(tx, some);
    return { value: undefined, updates: updatesOf(effects) };
  });
}

/** Who is where, and which sessions have ended, from one moment. */
export async function readPresence(store: Store): Promise<{ associations: Association[]; ended: Pair[] }> {
  return readTogether(store, async (tx) => ({
    associations: await listPresence(tx),
    ended: (await tx('presence_ended').select('login', 'hostname')) as Pair[],
  }));
}

/** Whether the database refused a row that is there: another process wrote it. */
export function isClash(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code = '' } = one as { code?: string };
    if (code === '23505' || /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)$/.test(code)) return true;
  }
  return false;
}

async function removeEnded(tx: Tx, pairs: readonly Pair[]): Promise<void> {
  await tx('presence_ended')
    .where((any) => {
      for (const { login, hostname } of pairs) void any.orWhere({ login, hostname });
    })
    .delete();
}

function* parts<T>(list: readonly T[]): Generator<T[]> {
  for (let at = 0; at < list.length; at += AT_ONCE) yield list.slice(at, at + AT_ONCE);
}
