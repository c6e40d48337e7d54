import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { ProloError } from '../errors.ts';
import { writeFileAtomic } from '../write-file.ts';
import { parseConfig } from './parse.ts';
import { generateSecrets } from './secrets.ts';
import { type Site, loadSite } from './site.ts';
import { type ConfigDraft, renderConfig } from './write-config.ts';

/**
 * A site that needs nothing outside its folder: loopback, SQLite, random secrets. prolo.yml gets its name last: a folder
 * that has it is a whole site, and a run that was cut short can be repeated.
 * @param fill makes and fills the database
 * @throws ProloError `conflict` when there is a site already
 */
export async function initSite<T>(
  dir: string,
  draft: ConfigDraft,
  fill: (site: Site) => Promise<T>,
): Promise<{ site: Site; filled: T }> {
  const file = join(resolve(dir), 'prolo.yml');
  if (existsSync(file))
    throw new ProloError('conflict', `site ${dir}: there is one already`, {
      hint: `use it with --config ${join(dir, 'prolo.yml')}, or choose another folder`,
    });
  const text = renderConfig(draft);
  parseConfig(text, file); // before anything is written
  const secretsFile = join(resolve(dir), 'secrets.yml');
  if (!existsSync(secretsFile)) await writeFileAtomic(secretsFile, stringify(generateSecrets()), 0o600);
  await makeSkeleton(resolve(dir), draft);
  const draftFile = join(resolve(dir), '.prolo.yml.new');
  await writeFileAtomic(draftFile, text);
  const filled = await fill(loadSite(draftFile));
  await rename(draftFile, file);
  return { site: loadSite(file), filled };
}

/** What new homes hold, where the site has a folder of its own for that. What somebody put there stays. */
async function makeSkeleton(dir: string, draft: ConfigDraft): Promise<void> {
  const skeleton = draft.hfs?.skeleton;
  if (!skeleton || isAbsolute(skeleton) || existsSync(join(dir, skeleton))) return;
  const profile = '# Read at login. What is in this folder is in every new home.\n';
  await writeFileAtomic(join(dir, skeleton, '.profile'), profile);
}

/** The config of a site on this machine alone: `prolo site init`'s, before its owner edits it. */
export function loopbackDraft(name: string, portBase: number): ConfigDraft {
  return {
    name,
    bind: ['127.0.0.1'],
    portBase,
    serviceUrl: 'http://127.0.0.1:{port}',
    database: 'sqlite:prolo.db',
    netboot: { bootUrl: '{netboot}/files' },
    // A named that anybody may start beside it, `named -c state/dns/named.conf`; without BIND or Kea it runs as well.
    dns: { checks: 'if-present', listen: ['127.0.0.1'], port: portBase + 53, controlPort: portBase + 54 },
    dhcp: { checks: 'if-present' },
    hfs: { url: 'http://127.0.0.1:{portN}', up: [0, 1], dir: 'hfs', skeleton: 'skeleton', firewall: 'off' },
  };
}
