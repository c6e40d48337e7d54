import { readFileSync, statSync } from 'node:fs';
import { parse, type YAMLParseError } from 'yaml';
import { ProloError } from '../errors.ts';

/** A syntax error is told by its place alone: its text would quote a secret. */
function parseSecrets(raw: string, file: string): unknown {
  try {
    return parse(raw, { logLevel: 'error' }) ?? {};
  } catch (error) {
    const line = (error as Partial<YAMLParseError>).linePos?.[0].line;
    throw new ProloError('config', `${file}: ${line === undefined ? '' : `line ${line}: `}not YAML`);
  }
}

/** All secrets that a site has; a host's file holds those of its role (`prolo site export`). */
export const SECRET_NAMES = [
  'mdbsync.publish',
  'mdbsync.subscribe',
  'udbsync.publish',
  'udbsync.subscribe',
  'udbsync.seats',
  'presencesync.publish',
  'presencesync.subscribe',
  'udb.private',
  'rfssync.publish',
  'rfssync.subscribe',
  'contestsync.publish',
  'contestsync.subscribe',
  'hfs.shared',
  'hfs.control',
  'hfs.backup',
  'passwords.key',
  'ssh.pcs',
  'rfs.sign',
] as const;
export type SecretName = (typeof SECRET_NAMES)[number];
export type Secrets = Partial<Record<SecretName, string>>;

/** 32 random bytes each, in hex. */
export function generateSecrets(): Record<SecretName, string> {
  const random = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
  return Object.fromEntries(SECRET_NAMES.map((name) => [name, random()])) as Record<SecretName, string>;
}

/**
 * Reads `secrets.yml`.
 * @throws ProloError `config` when others than its owner may read it, or it holds what is no secret of a site.
 */
export function readSecrets(file: string): Secrets {
  let raw: string;
  try {
    const { mode } = statSync(file);
    if (mode & 0o077)
      throw new ProloError('config', `${file}: mode ${(mode & 0o777).toString(8)}: others may read it`, {
        hint: `chmod 600 ${file}`,
      });
    raw = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof ProloError) throw error;
    throw new ProloError('config', `${file}: ${(error as Error).message}`, { cause: error });
  }
  const parsed = parseSecrets(raw, file);
  if (typeof parsed !== 'object' || Array.isArray(parsed))
    throw new ProloError('config', `${file}: expected a mapping of names to secrets`);
  for (const [name, value] of Object.entries(parsed as object)) {
    if (!(SECRET_NAMES as readonly string[]).includes(name))
      throw new ProloError('config', `${file}: ${name}: unknown secret`, {
        hint: `known: ${SECRET_NAMES.join(', ')}`,
      });
    if (typeof value !== 'string' || value.length < 16)
      throw new ProloError('config', `${file}: ${name}: expected a text of 16 characters or more`);
  }
  return parsed as Secrets;
}
