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

/** Roles whose hosts have that secret. */
export function rolesOf(secret: SecretName): string[] {
  return ROLES.filter((role) => ROLE_SECRETS[role]!.includes(secret));
}
export const secretsOfRole = (role: string): readonly SecretName[] => ROLE_SECRETS[role] ?? [];

/** Keys that speak of one machine, the gateway's here. */
const GATEWAY_KEYS = ['database', 'bind', 'dns', 'dhcp', 'reservedLogins', 'accounts'] as const;

/**
 * The config and the secrets of a host of `role`, from the gateway's.
 * @param draft prolo.yml as written, without defaults
 * @throws ProloError `bad-input` for a role that is none, `config` where the gateway itself lacks a secret of that role
 */
export function exportSite(
  draft: Partial<Config>,
  secrets: Secrets,
  role: string,
): { config: Partial<Config>; secrets: Secrets } {
  const names = ROLE_SECRETS[role];
  if (!names)
    throw new ProloError('bad-input', `role ${role}: unknown`, { hint: `roles: ${ROLES.join(', ')}` });
  const missing = names.filter((name) => secrets[name] === undefined);
  if (missing.length > 0 && role !== 'gw')
    throw new ProloError(
      'config',
      `secrets: ${missing.join(', ')}: not there, and a host of role ${role} needs it`,
      {
        hint: 'this site was made before: `prolo site secrets --add-missing`, then start its daemons again',
      },
    );
  const config = { ...draft };
  delete config.secrets; // they are written beside it
  // It may say how to get in there, and what a PC has can be read by any laptop.
  if (role === 'pc' && config.hfs) config.hfs = withoutBackup(config.hfs);
  if (role !== 'gw') for (const key of GATEWAY_KEYS) delete config[key];
  const chosen = Object.fromEntries(
    names.flatMap((name) => (secrets[name] === undefined ? [] : [[name, secrets[name]]])),
  ) as Secrets;
  return { config, secrets: chosen };
}

function withoutBackup(hfs: Config['hfs']): Config['hfs'] {
  const rest: Partial<Config['hfs']> = { ...hfs };
  delete rest.backup;
  return rest as Config['hfs'];
}

/** The files of a host of `role`, as texts; that of its secrets is for root alone. */
export async function exportTexts(site: Site, role: string) {
  const draft = (parse(await readFile(site.file, 'utf8')) ?? {}) as Partial<Config>;
  const { config, secrets } = exportSite(draft, readSecrets(resolve(site.dir, site.config.secrets)), role);
  return {
    'prolo.yml': renderConfig(config),
    'secrets.yml': stringify(secrets),
    names: Object.keys(secrets) as SecretName[],
  };
}

/** Writes prolo.yml and secrets.yml (mode 0600) for a host of `role` into `dir`. @returns the names of its secrets */
export async function writeExport(site: Site, role: string, dir: string): Promise<SecretName[]> {
  const texts = await exportTexts(site, role);
  await writeFileAtomic(join(dir, 'secrets.yml'), texts['secrets.yml'], 0o600);
  await writeFileAtomic(join(dir, 'prolo.yml'), texts['prolo.yml']);
  return texts.names;
}
