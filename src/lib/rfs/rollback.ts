import { ProloError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { RfsRecord } from './record.ts';
import { listBoots, listVersions, setCanaries, switchBoots } from './table.ts';

/** `trialOf`: only a trial ends, and all boot what the others boot. `version`: all boot that one. */
export type Rollback = { trialOf: number } | { version: number };

/**
 * What to go back to.
 * @param versions all that there are
 * @param wanted by number; undefined: from a trial, or to the newest version before those that are booted
 * @throws ProloError `not-found` when there is none
 */
export function chooseRollback(
  versions: readonly number[],
  boots: readonly RfsRecord[],
  wanted: number | undefined,
): Rollback {
  const tried = boots.find(({ canary }) => canary)?.canary?.version;
  if (wanted === undefined && tried !== undefined) return { trialOf: tried };
  const newest = Math.max(...boots.map(({ version }) => version));
  const version =
    wanted === undefined
      ? versions.filter((one) => one < newest).sort((a, b) => b - a)[0]
      : versions.find((one) => one === wanted);
  if (version !== undefined && boots.length > 0) return { version };
  throw new ProloError('not-found', `version ${wanted ?? 'before this one'}: there is none`, {
    hint: 'see `prolo rfs status`',
  });
}

/** One transaction: every server has what it ever had. @throws as `chooseRollback` */
export async function rollback(
  store: Store,
  actor: string,
  wanted: number | undefined,
): Promise<Rollback & { rfs: number[] }> {
  const boots = await listBoots(store.knex);
  const versions = (await listVersions(store.knex)).map(({ version }) => version);
  const rfs = boots.map((record) => record.rfs);
  const chosen = chooseRollback(versions, boots, wanted);
  if ('trialOf' in chosen) await setCanaries(store, actor, { version: chosen.trialOf, machines: [] });
  else await switchBoots(store, actor, { rfs, version: chosen.version });
  return { ...chosen, rfs };
}
