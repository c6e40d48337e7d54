import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { asProloError } from '../errors.ts';
import { listMachines } from '../mdb/machines.ts';
import type { Site } from '../site/site.ts';
import { quote } from '../ssh/command.ts';
import { audit } from '../store/change-log.ts';
import { readTogether, type Store, transact } from '../store/store.ts';
import { dropCopies, listCopies } from './copies.ts';
import { mendFolder } from './mend.ts';
import { findPlaces, type Place, runThere, versionsAmong } from './places.ts';
import { neededBy, planPrune, type PruneFacts, type PrunePlan, stillNeeded } from './prune-decide.ts';
import { withServers } from './publish.ts';
import { listRunning } from './running.ts';
import { versionsOf } from './staging.ts';
import { listBoots, listVersionRows } from './table.ts';
import { listTags } from './tag.ts';

const REMOVE_MS = 600_000;

/** What became of pruned versions at one place. */
export interface Removed {
  hostname: string;
  /** Whose files were there, and are gone. */
  versions: number[];
  /** Why they are still there. */
  trouble?: string;
}

/** What would go. @throws as `planPrune` */
export async function readPrunePlan(
  store: Store,
  keep: number,
  wanted: readonly number[] | undefined,
): Promise<PrunePlan> {
  return readTogether(store, async (tx) => planPrune(await readFacts(tx), keep, wanted));
}

/**
 * Takes versions away for good, their numbers aside. From the first step on nobody can be told to boot them; whatever was broken
 * off, or was not there to be told, is removed by the next call.
 * @param versions of a plan; none: only what is left from before
 * @throws ProloError `refused` when one of them is needed by now, `conflict` while another run makes a version, maybe out of one of
 * them; nothing is removed then
 */
export function prune(
  site: Site,
  store: Store,
  actor: string,
  versions: readonly number[],
): Promise<Removed[]> {
  return withServers(site, () => pruneAlone(site, store, actor, versions));
}

async function pruneAlone(
  site: Site,
  store: Store,
  actor: string,
  versions: readonly number[],
): Promise<Removed[]> {
  await transact(store, async (tx) => {
    const facts = await readFacts(tx);
    for (const version of versions) {
      const why = neededBy(version, facts);
      if (why !== undefined) throw stillNeeded(version, why);
    }
    const pruned_at = new Date().toISOString();
    await tx('rfs_versions')
      .whereIn('version', [...versions])
      .whereNull('pruned_at')
      .update({ pruned_at });
    if (versions.length > 0) await audit(tx, actor, 'rfs prune', `versions ${versions.join(', ')}`);
  });
  return sweep(site, store);
}

/** Removes the files of all versions that are pruned, wherever they are. */
async function sweep(site: Site, store: Store): Promise<Removed[]> {
  const gone = (await listVersionRows(store.knex)).flatMap(({ manifest, prunedAt }) =>
    prunedAt === null ? [] : [manifest.version],
  );
  if (gone.length === 0) return [];
  const dir = versionsOf(site);
  const copies = await listCopies(store.knex);
  const removed = await Promise.all(
    findPlaces(site, await listMachines(store.knex)).map(async (place): Promise<Removed> => {
      const { hostname } = place;
      try {
        const versions = await removeThere(place, dir, gone);
        if (copies.some((copy) => copy.hostname === hostname && gone.includes(copy.version)))
          await dropCopies(store, hostname, gone);
        return { hostname, versions };
      } catch (error) {
        // Where nothing is known to be, nothing is missed.
        const known = copies.some((copy) => copy.hostname === hostname && gone.includes(copy.version));
        const trouble = asProloError(error).message;
        return known ? { hostname, versions: [], trouble } : { hostname, versions: [] };
      }
    }),
  );
  return removed.filter(({ versions, trouble }) => versions.length > 0 || trouble !== undefined);
}

/** Out of everybody's sight at once, then away: what is broken off is no half of a version. */
async function removeThere({ remote }: Place, dir: string, gone: readonly number[]): Promise<number[]> {
  if (remote) return versionsAmong((await runThere(remote, removeScript(dir, gone), REMOVE_MS)).split('\n'));
  const names = await readdir(dir).catch(() => []);
  const there = versionsAmong(names).filter((version) => gone.includes(version));
  const away = (version: number | string): string => join(dir, `.gone-${version}`);
  const left = gone.map((version) => mendFolder(version)); // of a repair that was killed
  for (const name of names.filter((one) => one.startsWith('.gone-') || left.includes(one)))
    await rm(join(dir, name), { recursive: true, force: true });
  for (const version of there) await rename(join(dir, String(version)), away(version));
  for (const version of there) await rm(away(version), { recursive: true, force: true });
  return there;
}

/** While nothing is brought there: what comes may start from a version that goes. Prints the numbers of those that were there. */
function removeScript(dir: string, gone: readonly number[]): string {
  const work = [
    'set -e',
    `cd ${quote(dir)}`,
    'rm -rf .gone-*',
    `for n in ${gone.join(' ')}; do if [ -e $n ]; then mv -T $n .gone-$n; echo $n; fi; done`,
    'rm -rf .gone-*',
  ].join('\n');
  return `[ -d ${quote(dir)} ] || exit 0; flock -w 300 ${quote(dir)} sh -c ${quote(work)}`;
}

async function readFacts(db: Knex): Promise<PruneFacts> {
  return {
    rows: await listVersionRows(db),
    boots: await listBoots(db),
    running: await listRunning(db),
    tags: await listTags(db),
    nowMs: Date.now(),
  };
}
