import { renderTemplate } from '../../template.ts';
import type { RecipeMaker } from '../recipe.ts';
import { installedSite, PROLO_USER } from './installed-site.ts';

/** BIND on the files that `mdbdns` writes. */
export const named: RecipeMaker = (host) => {
  const site = installedSite(host.site);
  const debian = host.distribution === 'debian';
  const dir = site.statePath(site.config.dns.dir);
  const user = debian ? 'bind' : 'named';
  return {
    name: 'named',
    summary: 'BIND, with the zones that mdbdns writes',
    packages: debian ? ['bind9', 'bind9-utils'] : ['bind'],
    needs: ['prolo'],
    // mdbdns writes as one user, named reads as another: the set-group-ID bit has rndc's key readable to both.
    folders: [{ path: dir, owner: PROLO_USER, group: user, mode: 0o2750 }],
    files: [
      {
        path: '/etc/systemd/system/named.service.d/prolo.conf',
        text: renderTemplate('install/named.conf', { dir, user }),
      },
    ],
    units: ['named.service'],
  };
};
