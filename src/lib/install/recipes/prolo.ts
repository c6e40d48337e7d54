import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { packageRoot } from '../../package-root.ts';
import { PROLO, proloEntries } from '../../prolo-tree.ts';
import { exportSite, ROLES } from '../../site/export.ts';
import type { Config } from '../../site/schema.ts';
import { readSecrets } from '../../site/secrets.ts';
import { renderConfig } from '../../site/write-config.ts';
import type { FileWish, Host, RecipeMaker } from '../recipe.ts';
import { PROLO_USER, SITE_DIR } from './installed-site.ts';

/** prolo itself, with the Node that it needs: Debian 12 has too old a one. */
export const prolo: RecipeMaker = (host) => ({
  name: 'prolo',
  summary: 'prolo itself with its Node, the site’s config, a user for its daemons',
  packages: [host.distribution === 'debian' ? 'libstdc++6' : 'gcc-libs'],
  users: [{ name: PROLO_USER }],
  folders: siteFolders(host.site.config),
  trees: [
    {
      path: `/${PROLO}`,
      what: 'prolo’s program',
      entries: (root) => proloEntries(root, 'server'),
    },
  ],
  files: [
    { path: '/usr/bin/prolo', text: fileOf('rfs/root/tree/usr/bin/prolo'), mode: 0o755, replace: true },
    { path: '/etc/systemd/system/prolo.target', text: fileOf('systemd/prolo.target') },
    ...siteFiles(host),
  ],
  checks: [{ argv: ['/usr/bin/prolo', '--version'] }],
  units: ['prolo.target'],
});

const fileOf = (name: string): string => readFileSync(join(packageRoot, 'templates', name), 'utf8');

/**
 * What daemons write. Where SQLite's file is beside prolo.yml, its journal is too: daemons may make files there, and the sticky bit
 * keeps from them what is root's, since programs that prolo.yml names run as root.
 */
function siteFolders({ database, state }: Config) {
  const url = /^sqlite:(.+)$/.exec(database ?? '')?.[1];
  const folder = url && resolve(SITE_DIR, url, '..');
  const beside = folder === SITE_DIR;
  return [
    beside ? { path: SITE_DIR, mode: 0o1775, group: PROLO_USER } : { path: SITE_DIR },
    ...(folder && !beside ? [{ path: folder, mode: 0o750, owner: PROLO_USER }] : []),
    { path: resolve(SITE_DIR, state), owner: PROLO_USER },
  ];
}

/** The gateway has the site's own; others what their role is given. Undefined role: they come by `prolo site export`. */
function siteFiles({ site, hostname, role }: Host): FileWish[] {
  const { config } = site;
  const texts = (prolo: string, secrets: string, file: string): FileWish[] => [
    { path: `${SITE_DIR}/prolo.yml`, text: prolo },
    { path: resolve(SITE_DIR, file), text: secrets, mode: 0o600, owner: PROLO_USER, replace: true },
  ];
  const secretsFile = resolve(site.dir, config.secrets);
  // A host that has no database has what was exported for it.
  if (hostname === config.gateway || role === 'gw' || !config.database)
    return texts(readFileSync(site.file, 'utf8'), readFileSync(secretsFile, 'utf8'), config.secrets);
  if (!role || !ROLES.includes(role)) return [];
  const draft = (parse(readFileSync(site.file, 'utf8')) ?? {}) as Partial<Config>;
  const exported = exportSite(draft, readSecrets(secretsFile), role);
  return texts(renderConfig(exported.config), stringify(exported.secrets), 'secrets.yml');
}
