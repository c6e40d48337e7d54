import { readTogether, type Store, transact, type Tx } from './store.ts';

/** One change of one record, as the sync feeds carry it (SADM's wire format). */
export interface Update<R = Record<string, unknown>> {
  type: 'update' | 'delete';
  data: R;
}

export type FeedName = 'mdb' | 'udb' | 'presence' | 'rfs' | 'contest';

/** A line of the change log: everything that one transaction changed in one feed. */
export interface Change {
  seq: number;
  updates: Update[];
}

/**
 * Runs `work` in one write transaction and logs the updates that it returns in the same one; none, no line.
 * @param actor who did it: a person (`root@gw`), or a daemon and its caller
 */
export async function change<T>(
  store: Store,
  feed: FeedName,
  actor: string,
  work: (tx: Tx) => Promise<{ value: T; updates: Update[] }>,
): Promise<T> {
  const result = await transact(store, async (tx) => {
    const { value, updates } = await work(tx);
    if (updates.length > 0) {
      await tx('changes').insert({
        feed,
        at: new Date().toISOString(),
        actor: actor.slice(0, 128),
        updates: JSON.stringify(updates),
      });
      if (store.client === 'pg') await tx.raw('select pg_notify(?, ?)', ['prolo_changes', feed]);
    }
    return { value, logged: updates.length > 0 };
  });
  if (result.logged) store.events.emit('committed');
  return result.value;
}

/** Like `change`, but always rolled back: returns what `work` would have returned. */
export async function rehearse<T>(
  store: Store,
  work: (tx: Tx) => Promise<{ value: T; updates: Update[] }>,
): Promise<{ value: T; updates: Update[] }> {
  let result: { value: T; updates: Update[] } | undefined;
  try {
    await transact(store, async (tx) => {
      result = await work(tx);
      throw new Error('only a rehearsal');
    });
  } catch (error) {
    if (result === undefined) throw error;
  }
  return result!;
}

/** The number of the newest line, 0 when there is none. */
export async function lastSeq(tx: Tx): Promise<number> {
  const row = (await tx('changes').max({ seq: 'seq' }).first()) as { seq: number | null } | undefined;
  return row?.seq ?? 0;
}

/** Lines of one feed after `seq`, oldest first. */
export async function changesAfter(
  store: Store,
  feed: FeedName,
  seq: number,
  limit = 1000,
): Promise<Change[]> {
  const rows = (await store
    .knex('changes')
    .where({ feed })
    .andWhere('seq', '>', seq)
    .orderBy('seq')
    .limit(limit)
    .select('seq', 'updates')) as {
    seq: number;
    updates: string;
  }[];
  return rows.map((row) => ({ seq: row.seq, updates: JSON.parse(row.updates) as Update[] }));
}

/** The whole state of a feed and the log's position that it stands for, from one moment. */
export async function snapshot<R>(
  store: Store,
  read: (tx: Tx) => Promise<R[]>,
): Promise<{ records: R[]; seq: number }> {
  return readTogether(store, async (tx) => ({ seq: await lastSeq(tx), records: await read(tx) }));
}

/** A line of the audit. */
export interface AuditEntry {
  actor: string;
  action: string;
  details: string;
}

/** Notes who looked at or did what, for the day somebody asks; never a secret. */
export async function audit(tx: Tx, actor: string, action: string, details: string): Promise<void> {
  await auditAll(tx, [{ actor, action, details }]);
}

/** Some lines at once, in their order. */
export async function auditAll(tx: Tx, entries: readonly AuditEntry[]): Promise<void> {
  const at = new Date().toISOString();
  await tx('audit').insert(
    entries.map(({ actor, action, details }) => ({ at, actor: actor.slice(0, 128), action, details })),
  );
}
