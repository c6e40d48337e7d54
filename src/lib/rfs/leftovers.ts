import { parse } from 'yaml';
import { secretsOfRole } from '../site/export.ts';

/** What stays behind in a tree that somebody worked in, and must not be on every machine, nor be read by all. */
const UNSAFE: readonly { pattern: RegExp; what: string }[] = [
  {
    pattern: /^(etc|var\/lib\/dbus)\/machine-id$/,
    what: 'a machine’s identity, which all machines would share',
  },
  { pattern: /(^|\/)(\.(\w+_)?hist(ory|file)|fish_history)$/, what: 'what somebody typed' },
  { pattern: /(^|\/)\.(lesshst|viminfo|wget-hsts)$/, what: 'what somebody did' },
  {
    pattern: /(^|\/)\.ssh\/authorized_keys2?$/,
    what: 'who may enter every machine, for as long as the version is booted; daemon rootssh brings the keys of UDB’s roots',
  },
  {
    pattern: /(^|\/)\.ssh\/(?!authorized_keys2?$|known_hosts$|config$|[^/]+\.pub$)[^/]+$/,
    what: 'a private key',
  },
  { pattern: /^etc\/ssh\/ssh_host_(?!ed25519)\w+_key$/, what: 'a host key beside the site’s own' },
  { pattern: /(^|\/)(\.netrc|\.pgpass|\.git-credentials|secrets\.yml)$/, what: 'a password' },
  { pattern: /^var\/lib\/systemd\/random-seed$/, what: 'randomness that all machines would share' },
];

export interface TreeFile {
  /** Below the tree, without a leading slash. */
  path: string;
  bytes: number;
}

export interface Leftover {
  path: string;
  what: string;
}

/** Files of a tree that keep it from becoming a version. An empty file says nothing, and is none. */
export function findLeftovers(files: Iterable<TreeFile>): Leftover[] {
  const found: Leftover[] = [];
  for (const { path, bytes } of files) {
    const rule = bytes > 0 ? UNSAFE.find(({ pattern }) => pattern.test(path)) : undefined;
    if (rule) found.push({ path, what: rule.what });
  }
  return found;
}

/** shadow(5) and what its programs keep beside it. */
const SHADOW = /^etc\/shadow-?$/;

/** Who has a password that could be guessed at from its hash. @param shadow lines as in shadow(5) */
export function hashedAccounts(shadow: string): string[] {
  return shadow.split('\n').flatMap((line) => {
    const [login = '', hash = ''] = line.split(':');
    return /^!?(\$|[\w./]{13}$)/.test(hash) ? [login] : [];
  });
}

/** Accounts with a hash, as leftovers. @param read a file's text */
export function findHashes(files: Iterable<TreeFile>, read: (path: string) => string): Leftover[] {
  return Array.from(files).flatMap(({ path, bytes }) => {
    const accounts = bytes > 0 && SHADOW.test(path) ? hashedAccounts(read(path)) : [];
    return accounts.length > 0 ? [{ path, what: `the password’s hash of ${accounts.join(', ')}` }] : [];
  });
}

const SEAT_SECRETS = 'etc/prolo/secrets.yml';

/** Whether it is the file of secrets that a PC has, with nothing in it but what counts from a seat's address only. */
export function isSeatSecrets(path: string, read: () => string): boolean {
  if (path !== SEAT_SECRETS) return false;
  try {
    const names: readonly string[] = secretsOfRole('pc');
    return Object.keys(parse(read(), { logLevel: 'error' }) as object).every((name) => names.includes(name));
  } catch {
    return false;
  }
}
