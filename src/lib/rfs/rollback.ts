import type { Knex } from 'knex';
import { ProloError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { listCopies } from './copies.ts';
import type { RfsRecord } from './record.ts';
import { listBoots, listVersionRows, setCanaries, switchBoots, type VersionRow } from './table.ts';

/** `trialOf`: only a trial ends, and all boot what the others boot. `version`: all boot that one. */
export type Rollback = { trialOf: number } | { version: number };

/** What is known of a version, as far as going back to it asks. */
export type PastVersion = Pick<VersionRow, 'bootedAt' | 'prunedAt'> & { version: number };

/**
 * What to go back to.
 * @param versions all that there ever were
 * @param wanted by number; undefined: from a trial, or to the newest version before those that are booted which all booted once
 * @throws ProloError `not-found` when there is none, `conflict` when nothing is booted yet
 */
export function chooseRollback(
  versions: readonly PastVersion[],
  boots: readonly RfsRecord[],
  wanted: number | undefined,
): Rollback {
  const tried = boots.find(({ canary }) => canary)?.canary?.version;
  if (wanted === undefined && tried !== undefined) return { trialOf: tried };
  const newest = Math.max(...boots.map(({ version }) => version));
  const there = versions.filter(({ prunedAt }) => prunedAt === null);
  const before = there.filter(({ version }) => version < newest).sort((a, b) => b.version - a.version);
  // One that was only tried, or never got so far, is nothing to go back to.
  const found =
    wanted === undefined
      ? (before.find(({ bootedAt }) => bootedAt !== null) ?? before[0])
      : there.find(({ version }) => version === wanted);
  if (found && boots.length === 0)
    throw new ProloError('conflict', `version ${found.version}: no machine boots any version yet`, {
      hint: `\`prolo rfs promote ${found.version}\` lets them boot it`,
    });
  if (found) return { version: found.version };
  const pruned = versions.some(({ version, prunedAt }) => version === wanted && prunedAt !== null);
  throw new ProloError(
    'not-found',
    `version ${wanted ?? 'before this one'}: ${pruned ? 'it was pruned' : 'there is none'}`,
    { hint: 'see `prolo rfs status`' },
  );
}

/** Servers that do not have a version, or not whole, by the number of their RFS. */
export interface Lack {
  rfs: number;
  /** Undefined where no machine stands for that number. */
  hostname: string | undefined;
  damage: string[];
}

/** Which of these RFS have not proved that they have a version. No server is asked. */
async function findLacks(tx: Knex, rfs: readonly number[], version: number): Promise<Lack[]> {
  const servers = (await tx('names')
    .join('machines', 'machines.id', 'names.machine_id')
    .whereIn(
      'names.name',
      rfs.map((number) => `rfs${number}`),
    )
    .select('names.name', 'machines.hostname')) as { name: string; hostname: string }[];
  const copies = await listCopies(tx);
  return rfs.flatMap((number) => {
    const hostname = servers.find(({ name }) => name === `rfs${number}`)?.hostname;
    const copy = copies.find((one) => one.hostname === hostname && one.version === version);
    return copy?.damage.length === 0 ? [] : [{ rfs: number, hostname, damage: copy?.damage ?? [] }];
  });
}

/**
 * One transaction, and no server is asked: what each has proved to have is written down.
 * @param partial without those that do not have it
 * @throws as `chooseRollback`; ProloError `refused` where some do not have it
 */
export async function rollback(
  store: Store,
  actor: string,
  wanted: number | undefined,
  partial = false,
): Promise<Rollback & { rfs: number[]; lacking: Lack[] }> {
  const boots = await listBoots(store.knex);
  const versions = (await listVersionRows(store.knex)).map(({ manifest, bootedAt, prunedAt }) => ({
    version: manifest.version,
    bootedAt,
    prunedAt,
  }));
  const all = boots.map((record) => record.rfs);
  const chosen = chooseRollback(versions, boots, wanted);
  if ('trialOf' in chosen) {
    await setCanaries(store, actor, { version: chosen.trialOf, machines: [] });
    return { ...chosen, rfs: all, lacking: [] };
  }
  const { version } = chosen;
  const lacking = await findLacks(store.knex, all, version);
  const rfs = partial ? all.filter((number) => !lacking.some((lack) => lack.rfs === number)) : all;
  await switchBoots(store, actor, {
    rfs,
    version,
    check: async (tx) => refuseLacks(version, rfs, await findLacks(tx, rfs, version)),
  });
  return { version, rfs, lacking };
}

function refuseLacks(version: number, rfs: readonly number[], lacking: readonly Lack[]): void {
  if (lacking.length === 0 && rfs.length > 0) return;
  const what = ({ rfs: number, hostname, damage }: Lack): string =>
    hostname === undefined
      ? `no machine in MDB has the alias rfs${number}`
      : `${hostname} (rfs ${number}) ${damage.length > 0 ? `has a damaged ${damage.join(', ')}` : 'does not have it'}`;
  throw new ProloError(
    'refused',
    `version ${version}: ${lacking.map(what).join('; ') || 'no server has it'}`,
    {
      hint: `\`prolo rfs promote ${version}\` brings it there, \`prolo rfs verify ${version} --repair\` mends it; --partial goes back without them`,
    },
  );
}
