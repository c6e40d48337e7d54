import type { Knex } from 'knex';
import { type Store, transact } from '../store/store.ts';

/** What a server is known to have of a version. */
export interface Copy {
  /** Of the server. */
  hostname: string;
  version: number;
  /** ISO 8601, UTC: when it was last proved. */
  verifiedAt: string;
  /** Files that have other bytes than were committed. */
  damage: string[];
}

export async function listCopies(db: Knex): Promise<Copy[]> {
  const rows = (await db('rfs_copies')
    .join('machines', 'machines.id', 'rfs_copies.machine_id')
    .orderBy(['rfs_copies.version', 'machines.hostname'])
    .select('machines.hostname', 'rfs_copies.version', 'rfs_copies.verified_at', 'rfs_copies.damage')) as {
    hostname: string;
    version: number;
    verified_at: string;
    damage: string;
  }[];
  return rows.map(({ hostname, version, verified_at, damage }) => ({
    hostname,
    version,
    verifiedAt: verified_at,
    damage: damage === '' ? [] : damage.split(','),
  }));
}

/** Writes down that a server has proved that it has a version, or which of its files are damaged there. */
export async function noteCopy(
  store: Store,
  { hostname, version, damage = [] }: { hostname: string; version: number; damage?: readonly string[] },
): Promise<void> {
  await transact(store, async (tx) => {
    const server = (await tx('machines').where({ hostname }).first('id')) as { id: number } | undefined;
    if (!server) return; // it left MDB meanwhile
    const row = { verified_at: new Date().toISOString(), damage: damage.join(',') };
    await tx('rfs_copies')
      .insert({ machine_id: server.id, version, ...row })
      .onConflict(['machine_id', 'version'])
      .merge(row);
  });
}

/** Writes down that a server has these versions no more. */
export async function dropCopies(store: Store, hostname: string, versions: readonly number[]): Promise<void> {
  await transact(store, (tx) =>
    tx('rfs_copies')
      .whereIn('version', [...versions])
      .whereIn('machine_id', tx('machines').where({ hostname }).select('id'))
      .delete(),
  );
}
