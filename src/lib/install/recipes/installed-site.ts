import { join, resolve } from 'node:path';
import type { Site } from '../../site/site.ts';

/** Where a host that was installed has its site. */
export const SITE_DIR = '/etc/prolo';

/** As whom its daemons run. */
export const PROLO_USER = 'prolo';

/** The site with its paths as they are on the installed host, wherever it is read from now. */
export function installedSite(site: Site): Site {
  return {
    ...site,
    dir: SITE_DIR,
    file: join(SITE_DIR, 'prolo.yml'),
    statePath: (...parts) => resolve(SITE_DIR, site.config.state, ...parts),
  };
}
