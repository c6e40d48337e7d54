import { DEFAULT_FILES, renderServing } from '../../rfs/serve.ts';
import { versionsOf } from '../../rfs/staging.ts';
import { renderTemplate } from '../../template.ts';
import type { RecipeMaker } from '../recipe.ts';
import { installedSite } from './installed-site.ts';

/** The root filesystem's versions, for the machines that boot them. */
export const nfsExports: RecipeMaker = ({ site, distribution }) => ({
  name: 'nfs-exports',
  summary: 'versions of the root filesystem, by NFS',
  packages: [distribution === 'debian' ? 'nfs-kernel-server' : 'nfs-utils'],
  folders: [{ path: versionsOf(installedSite(site)) }],
  // A getter: a config that cannot be served so is an error of whoever wants this recipe, not of all.
  get files() {
    return [
      { path: DEFAULT_FILES.nfs, text: renderServing(installedSite(site), 'nfs') },
      { path: '/etc/nfs.conf.d/prolo.conf', text: renderTemplate('install/nfs.conf', {}) },
    ];
  },
  units: ['nfs-server.service'],
});

/** Their kernels, which firmware fetches before it has NFS. */
export const bootFiles: RecipeMaker = ({ site, distribution }) => ({
  name: 'boot-files',
  summary: 'kernels of the root filesystem, by HTTP',
  packages: [distribution === 'debian' ? 'nginx-light' : 'nginx'],
  get files() {
    return [{ path: DEFAULT_FILES.nginx, text: renderServing(installedSite(site), 'nginx') }];
  },
  checks: [{ argv: ['nginx', '-t', '-q'] }],
  units: ['nginx.service'],
});
