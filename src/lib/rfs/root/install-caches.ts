import type { Site } from '../../site/site.ts';
import { stagingOf } from '../staging.ts';

/** What package managers keep is not a machine's: it is beside staging, where the next installation finds it. */
export function packageCaches(site: Site): [string, string][] {
  const cache = `${stagingOf(site)}.cache`;
  return site.config.rfs.distribution === 'arch'
    ? [
        [`${cache}/pacman`, '/var/cache/pacman/pkg'],
        [`${cache}/sync`, '/var/lib/pacman/sync'],
      ]
    : [
        [`${cache}/apt`, '/var/cache/apt'],
        [`${cache}/lists`, '/var/lib/apt/lists'],
      ];
}
