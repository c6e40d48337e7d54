import { ProloError } from '../errors.ts';
import { newestMigration } from './migrations.ts';
import { readTogether, type Store, transact } from './store.ts';

/** The whole database as rows, independent of which database it is in. */
export interface Dump {
  schema: string;
  tables: Record<string, Record<string, unknown>[]>;
}

/** In an order in which rows can be put back. */
const TABLES = [
  'machines',
  'names',
  'switches',
  'settings',
  'users',
  'changes',
  'audit',
  'presence',
  'presence_ended',
  'homes',
  'home_sessions',
  'home_choices',
  'quotas',
  'rfs_versions',
  'rfs_boots',
  'rfs_canaries',
  'rfs_tags',
  'rfs_running',
  'rfs_copies',
  'contest',
  'contest_applied',
] as const;
const NUMBERED: Record<string, string> = {
  machines: 'id',
  switches: 'id',
  users: 'id',
  changes: 'seq',
  audit: 'id',
};

/** Everything, from one moment, while others read and write. */
export async function dumpStore(store: Store): Promise<Dump> {
  const tables = await readTogether(store, async (tx) => {
    const rows: Dump['tables'] = {};
    for (const table of TABLES) rows[table] = (await tx(table).select('*')) as Record<string, unknown>[];
    return rows;
  });
  return { schema: newestMigration, tables };
}

/**
 * Puts a dump into an empty database, all or nothing.
 * @throws ProloError `conflict` when the database holds anything, `bad-input` for a dump of another version
 */
export async function loadDump(store: Store, dump: Dump): Promise<void> {
  if (dump.schema !== newestMigration)
    throw new ProloError(
      'bad-input',
      `backup: its schema is ${dump.schema}, this prolo's is ${newestMigration}`,
      {
        hint: 'restore it with the version of prolo that made it',
      },
    );
  await transact(store, async (tx) => {
    for (const table of TABLES)
      if (await tx(table).first(tx.raw('1 as one')))
        throw new ProloError('conflict', `database ${table}: not empty`, {
          hint: 'restore into a new folder or a new database',
        });
    for (const table of TABLES) {
      const rows = (dump.tables[table] ?? []).map((row) =>
        table === 'machines' ? { ...row, is_faulty: Boolean(row.is_faulty) } : row,
      );
      await tx.batchInsert(table, rows, 50);
      const number = NUMBERED[table];
      if (store.client === 'pg' && number && rows.length > 0)
        await tx.raw(`select setval(pg_get_serial_sequence(?, ?), (select max(??) from ??))`, [
          table,
          number,
          number,
          table,
        ]);
    }
  });
}
