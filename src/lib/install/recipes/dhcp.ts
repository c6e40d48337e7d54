import { dirname } from 'node:path';
import { dhcpPaths, keaEnvironment } from '../../dhcp/paths.ts';
import { renderTemplate } from '../../template.ts';
import type { Host, Recipe, RecipeMaker } from '../recipe.ts';
import { installedSite, PROLO_USER } from './installed-site.ts';

/** The DHCP server of `dhcp.server`, on the file that `mdbdhcp` writes. */
export const dhcp: RecipeMaker = (host) => ({
  name: 'dhcp',
  summary: 'the DHCP server, with the machines that mdbdhcp writes',
  needs: ['prolo'],
  ...(host.site.config.dhcp.server === 'kea' ? kea(host) : isc(host)),
});

function kea({ site, distribution }: Host): Partial<Recipe> {
  const paths = dhcpPaths(installedSite(site));
  const unit = distribution === 'debian' ? 'kea-dhcp4-server.service' : 'kea-dhcp4.service';
  const user = distribution === 'debian' ? '_kea' : 'kea';
  return {
    packages: distribution === 'debian' ? ['kea-dhcp4-server', 'kea-common'] : ['kea'],
    folders: [
      { path: paths.dir, owner: PROLO_USER },
      ...[...new Set([dirname(paths.socket), dirname(paths.leases)])]
        .filter((path) => path.startsWith(`${paths.dir}/`))
        .map((path) => ({ path, owner: user, group: PROLO_USER, mode: 0o750 })),
    ],
    files: [
      {
        path: `/etc/systemd/system/${unit}.d/prolo.conf`,
        text: renderTemplate('install/kea.conf', {
          user,
          group: PROLO_USER,
          config: paths.config,
          environment: Object.entries(keaEnvironment(paths)).map(([name, value]) => `${name}=${value}`),
        }),
      },
    ],
    units: [unit],
  };
}

function isc({ site, distribution }: Host): Partial<Recipe> {
  const debian = distribution === 'debian';
  const unit = debian ? 'isc-dhcp-server.service' : 'dhcpd4.service';
  return {
    packages: [debian ? 'isc-dhcp-server' : 'dhcp'],
    folders: [{ path: dhcpPaths(installedSite(site)).dir, owner: PROLO_USER }],
    files: [
      {
        path: `/etc/systemd/system/${unit}`,
        text: renderTemplate('install/dhcpd.service', {
          config: dhcpPaths(installedSite(site)).config,
          leases: debian ? '/var/lib/dhcp/dhcpd.leases' : '/var/lib/dhcp/dhcp.leases',
          interfaces: site.config.dhcp.interfaces.map((name) => name.split('/')[0]).join(' '),
          // What `dhcp.reload` calls it.
          alias: debian ? 'dhcpd4.service' : undefined,
        }),
      },
    ],
    units: [unit],
  };
}
