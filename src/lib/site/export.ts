import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { ProloError } from '../errors.ts';
import { writeFileAtomic } from '../write-file.ts';
import type { Config } from './schema.ts';
import type { SecretName, Secrets } from './secrets.ts';
import { readSecrets, SECRET_NAMES } from './secrets.ts';
import type { Site } from './site.ts';
import { renderConfig } from './write-config.ts';

/** What a host of each role must be able to prove or check; nothing else leaves the gateway. */
const ROLE_SECRETS: Record<string, readonly SecretName[]> = {
  gw: SECRET_NAMES,
  rhfs: [
    'mdbsync.subscribe',
    'udbsync.subscribe',
    'presencesync.subscribe',
    'hfs.shared',
    'hfs.control',
    'hfs.backup',
  ],
  web: ['mdbsync.subscribe', 'udbsync.subscribe', 'presencesync.subscribe'],
  monitoring: [],
  // What a PC boots can be read by any laptop on the wire; so these three count only from the address of a seat.
  pc: ['presencesync.publish', 'hfs.shared', 'udbsync.seats'],
};
export const ROLES = Object.keys(ROLE_SECRETS);

/** Keys that speak of one machine, the gateway's here. */
const GATEWAY_KEYS = ['database', 'bind', 'dns', 'dhcp', 'reservedLogins', 'accounts'] as const;

/**
 * The config and the secrets of a host of `role`, from the gateway's.
 * @param draft prolo.yml as written, without defaults
 * @throws ProloError `bad-input` for a role that is none
 */
export function exportSite(
  draft: Partial<Config>,
  secrets: Secrets,
  role: string,
): { config: Partial<Config>; secrets: Secrets } {
  const names = ROLE_SECRETS[role];
  if (!names)
    throw new ProloError('bad-input', `role ${role}: unknown`, { hint: `roles: ${ROLES.join(', ')}` });
  const config = { ...draft };
  delete config.secrets; // they are written beside it
  if (role !== 'gw') for (const key of GATEWAY_KEYS) delete config[key];
  const chosen = Object.fromEntries(
    names.flatMap((name) => (secrets[name] === undefined ? [] : [[name, secrets[name]]])),
  ) as Secrets;
  return { config, secrets: chosen };
}

/** Writes prolo.yml and secrets.yml (mode 0600) for a host of `role` into `dir`. @returns the names of its secrets */
export async function writeExport(site: Site, role: string, dir: string): Promise<SecretName[]> {
  const draft = (parse(await readFile(site.file, 'utf8')) ?? {}) as Partial<Config>;
  const { config, secrets } = exportSite(draft, readSecrets(resolve(site.dir, site.config.secrets)), role);
  await writeFileAtomic(join(dir, 'secrets.yml'), stringify(secrets), 0o600);
  await writeFileAtomic(join(dir, 'prolo.yml'), renderConfig(config));
  return Object.keys(secrets) as SecretName[];
}
