import { chown, readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse, parseDocument, stringify } from 'yaml';
import { ProloError } from '../errors.ts';
import { withFileLock } from '../file-lock.ts';
import { writeFileAtomic } from '../write-file.ts';
import { rolesOf } from './export.ts';
import { generateSecrets, readSecrets, SECRET_NAMES, type SecretName, type Secrets } from './secrets.ts';
import type { Site } from './site.ts';

/** A secret as it may be shown: never its text. */
export interface SecretInfo {
  name: SecretName;
  there: boolean;
  /** Whose hosts have it. */
  roles: string[];
}

const fileOf = (site: Site): string => resolve(site.dir, site.config.secrets);

/** Every secret that a site can have. */
export function listSecrets(site: Site): SecretInfo[] {
  const known = readSecrets(fileOf(site));
  return SECRET_NAMES.map((name) => ({ name, there: known[name] !== undefined, roles: rolesOf(name) }));
}

/**
 * Makes the secrets that the site does not have yet; those that are there stay, and so do the comments.
 * @returns the names of the new ones
 * @throws ProloError `config` on any host but the gateway: made there, they would be others than the gateway's
 */
export async function addMissingSecrets(site: Site): Promise<SecretName[]> {
  const file = fileOf(site);
  if (!site.config.database)
    throw new ProloError('config', `${file}: this host has the secrets of its role`, {
      hint: `add them on the gateway (${site.config.gateway}), then \`prolo site export\` writes this host's`,
    });
  return withFileLock(file, async () => {
    const known = readSecrets(file);
    const missing = SECRET_NAMES.filter((name) => known[name] === undefined);
    if (missing.length === 0) return [];
    const fresh = generateSecrets();
    const added = Object.fromEntries(missing.map((name) => [name, fresh[name]])) as Secrets;
    const { uid, gid } = await stat(file);
    await writeFileAtomic(file, addTo(await readFile(file, 'utf8'), known, added), 0o600);
    await chown(file, uid, gid);
    return missing;
  });
}

/** Behind what is there, unless that is written in another way than a line each. */
function addTo(text: string, known: Secrets, added: Secrets): string {
  const longer = `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${stringify(added)}`;
  const wanted = { ...known, ...added };
  if (isDeepStrictEqual(parseQuietly(longer), wanted)) return longer;
  const document = parseDocument(text);
  for (const [name, secret] of Object.entries(added)) document.set(name, secret);
  return document.toString();
}

/** An error of the parser would quote a secret. */
function parseQuietly(text: string): unknown {
  try {
    return parse(text, { logLevel: 'error' });
  } catch {
    return undefined;
  }
}
