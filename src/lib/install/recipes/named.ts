import { renderTemplate } from '../../template.ts';
import type { RecipeMaker } from '../recipe.ts';
import { installedSite } from './installed-site.ts';

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
    // named does not start in a folder that it may not write to; mdbdns, which is root, gives rndc's key to the folder's owner.
    folders: [{ path: dir, owner: user }],
    files: [
      {
        path: '/etc/systemd/system/named.service.d/prolo.conf',
        text: renderTemplate('install/named.conf', { dir, user }),
      },
    ],
    units: ['named.service'],
  };
};
