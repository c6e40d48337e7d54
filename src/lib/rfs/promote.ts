import { ProloError } from '../errors.ts';
import { listMachines } from '../mdb/machines.ts';
import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';
import type { Manifest } from './manifest.ts';
import { type Published, publish, type PublishOptions } from './publish.ts';
import type { RfsRecord } from './record.ts';
import { findServers } from './servers.ts';
import { listBoots, listVersions } from './table.ts';

/**
 * What all machines are to boot.
 * @param versions newest first
 * @param wanted by number; undefined: the one that is tried, else the newest
 * @throws ProloError `not-found`
 */
function choosePromoted(
  versions: readonly Manifest[],
  boots: readonly RfsRecord[],
  wanted: number | undefined,
): Manifest {
  const tried = boots.find(({ canary }) => canary)?.canary?.version;
  const number = wanted ?? tried ?? versions[0]?.version;
  const found = versions.find(({ version }) => version === number);
  if (found) return found;
  throw new ProloError(
    'not-found',
    number === undefined ? 'version: there is none yet' : `version ${number}: there is none`,
    {
      hint: 'see `prolo rfs status`',
    },
  );
}

/** From now on all machines boot a version that some have tried, or that not every server had. @throws as `publish` */
export async function promote(
  site: Site,
  store: Store,
  wanted: number | undefined,
  options: Omit<PublishOptions, 'canaries' | 'fresh'>,
): Promise<Published> {
  const manifest = choosePromoted(await listVersions(store.knex), await listBoots(store.knex), wanted);
  return publish(site, store, manifest, findServers(await listMachines(store.knex)), options);
}
