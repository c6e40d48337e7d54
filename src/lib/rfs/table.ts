import type { Knex } from 'knex';
import { ProloError } from '../errors.ts';
import { audit, change, type Update } from '../store/change-log.ts';
import { type Store, transact, type Tx } from '../store/store.ts';
import type { Manifest } from './manifest.ts';
import { bootFiles, type RfsRecord } from './record.ts';

/** What became of a version; times are ISO 8601, UTC. */
export interface VersionRow {
  manifest: Manifest;
  /** Since when it was ever booted by all machines of an RFS. */
  bootedAt: string | null;
  /** When the last RFS whose machines booted or tried it was told another. */
  leftAt: string | null;
  prunedAt: string | null;
}

/** Every version that was ever committed, newest first, also those that are pruned. */
export async function listVersionRows(db: Knex): Promise<VersionRow[]> {
  const rows = (await db('rfs_versions').orderBy('version', 'desc').select('*')) as {
    manifest: string;
    booted_at: string | null;
    left_at: string | null;
    pruned_at: string | null;
  }[];
  return rows.map((row) => ({
    manifest: JSON.parse(row.manifest) as Manifest,
    bootedAt: row.booted_at,
    leftAt: row.left_at,
    prunedAt: row.pruned_at,
  }));
}

/** Every version that can be booted, newest first. */
export async function listVersions(db: Knex): Promise<Manifest[]> {
  return (await listVersionRows(db))
    .filter(({ prunedAt }) => prunedAt === null)
    .map(({ manifest }) => manifest);
}

/** What the machines of each RFS boot, in order of its number. */
export async function listBoots(db: Knex): Promise<RfsRecord[]> {
  const versions = await listVersions(db);
  const boots = (await db('rfs_boots').orderBy('rfs').select('rfs', 'version')) as {
    rfs: number;
    version: number;
  }[];
  const canaries = (await db('rfs_canaries')
    .join('machines', 'machines.id', 'rfs_canaries.machine_id')
    .orderBy('machines.id')
    .select('machines.hostname', 'machines.rfs', 'rfs_canaries.version')) as {
    hostname: string;
    rfs: number;
    version: number;
  }[];
  const manifests = new Map(versions.map((manifest) => [manifest.version, manifest]));
  return boots.map(({ rfs, version }) => {
    const tried = canaries.filter((canary) => canary.rfs === rfs);
    const canary = tried[0] && {
      ...bootFiles(manifests.get(tried[0].version)!),
      machines: tried.map(({ hostname }) => hostname),
    };
    return { rfs, ...bootFiles(manifests.get(version)!), canary: canary ?? null };
  });
}

/** Writes a version down, once its files are where they belong. Nobody boots it by that. */
export async function addVersion(store: Store, actor: string, manifest: Manifest): Promise<void> {
  await transact(store, async (tx) => {
    await tx('rfs_versions').insert({ version: manifest.version, manifest: JSON.stringify(manifest) });
    await audit(tx, actor, 'rfs commit', `version ${manifest.version}: ${manifest.message}`);
  });
}

export interface Switch {
  rfs: readonly number[];
  version: number;
  /** Throws where it must not be, from what the same transaction sees. */
  check?: (tx: Tx) => Promise<void>;
}

/**
 * From now on the machines of these RFS boot that version; those that run are not touched. Ends every trial there.
 * @throws ProloError `not-found` for a version that is none
 */
export function switchBoots(store: Store, actor: string, { rfs, version, check }: Switch): Promise<void> {
  return publish(store, actor, 'rfs switch', { rfs, version }, async (tx) => {
    await mustBeVersion(tx, version);
    await check?.(tx);
    for (const number of rfs)
      await tx('rfs_boots').insert({ rfs: number, version }).onConflict('rfs').merge({ version });
    await tx('rfs_canaries')
      .whereIn(
        'machine_id',
        tx('machines')
          .whereIn('rfs', [...rfs])
          .select('id'),
      )
      .delete();
  });
}

/** Only these machines boot that version, until `switchBoots`. An empty list ends the trial. */
export function setCanaries(
  store: Store,
  actor: string,
  { version, machines }: { version: number; machines: readonly { id: number; hostname: string }[] },
): Promise<void> {
  const names = machines.map(({ hostname }) => hostname);
  return publish(store, actor, 'rfs canary', { version, machines: names }, async (tx) => {
    await mustBeVersion(tx, version);
    await tx('rfs_canaries').delete();
    for (const { id } of machines) await tx('rfs_canaries').insert({ machine_id: id, version });
  });
}

/** @throws ProloError `not-found` for one that is none, or is pruned */
export async function mustBeVersion(tx: Knex, version: number): Promise<void> {
  const row = (await tx('rfs_versions').where({ version }).first('pruned_at')) as
    { pruned_at: string | null } | undefined;
  if (row?.pruned_at === null) return;
  throw new ProloError('not-found', `version ${version}: ${row ? 'it was pruned' : 'there is none'}`, {
    hint: 'see `prolo rfs status`',
  });
}

/** Changes rows, and tells followers of each RFS that differs by it. */
async function publish(
  store: Store,
  actor: string,
  action: string,
  details: object,
  work: (tx: Tx) => Promise<void>,
): Promise<void> {
  await change(store, 'rfs', actor, async (tx) => {
    const old = await listBoots(tx);
    const before = new Map(old.map((record) => [record.rfs, JSON.stringify(record)]));
    await work(tx);
    await audit(tx, actor, action, JSON.stringify(details));
    const now = await listBoots(tx);
    await noteBooted(tx, old, now);
    const updates = now
      .filter((record) => before.get(record.rfs) !== JSON.stringify(record))
      .map((data): Update => ({ type: 'update', data }));
    return { value: undefined, updates };
  });
}

/** Machines that were told a version before it was left may still be starting. */
async function noteBooted(tx: Tx, old: readonly RfsRecord[], now: readonly RfsRecord[]): Promise<void> {
  const at = new Date().toISOString();
  const booted = bootedVersions(now);
  const left = [...bootedVersions(old)].filter((version) => !booted.has(version));
  await tx('rfs_versions').whereIn('version', left).update({ left_at: at });
  await tx('rfs_versions')
    .whereIn(
      'version',
      now.map(({ version }) => version),
    )
    .whereNull('booted_at')
    .update({ booted_at: at });
}

/** What some machine boots or tries. */
export function bootedVersions(boots: readonly RfsRecord[]): Set<number> {
  return new Set(boots.flatMap(({ version, canary }) => (canary ? [version, canary.version] : [version])));
}
