import { existsSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { ProloError } from '../errors.ts';
import { writeFileAtomic } from '../write-file.ts';
import { parseConfig } from './parse.ts';
import { generateSecrets } from './secrets.ts';
import { type Site, loadSite } from './site.ts';
import { type ConfigDraft, renderConfig } from './write-config.ts';

/**
 * A site that needs nothing outside its folder: loopback, SQLite, random secrets. prolo.yml is written last: a folder
 * that has it is a whole site, and a run that was cut short can be repeated.
 * @throws ProloError `conflict` when there is a site already
 */
export async function initSite(dir: string, draft: ConfigDraft): Promise<Site> {
  const file = join(resolve(dir), 'prolo.yml');
  if (existsSync(file))
    throw new ProloError('conflict', `site ${dir}: there is one already`, {
      hint: `use it with --config ${join(dir, 'prolo.yml')}, or choose another folder`,
    });
  const text = renderConfig(draft);
  parseConfig(text, file); // before anything is written
  await mkdir(resolve(dir), { recursive: true });
  const secretsFile = join(resolve(dir), 'secrets.yml');
  if (!existsSync(secretsFile)) await writeFileAtomic(secretsFile, stringify(generateSecrets()), 0o600);
  await chmod(secretsFile, 0o600);
  await writeFileAtomic(file, text);
  return loadSite(file);
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
  };
}
