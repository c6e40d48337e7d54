import { readFileSync } from 'node:fs';
import { type Config, GROUPS } from '../site/schema.ts';
import { LOGIN_PATTERN } from './login.ts';
import { isSystemUid, parseAccounts, type SystemAccounts } from './system-accounts.ts';
import { uidRange } from './uid.ts';

const NOBODY: SystemAccounts = { logins: new Set(), uids: new Set() };
const LOGIN = new RegExp(`^${LOGIN_PATTERN}$`);

/** Whether a UID is the site's to hand out: in the range of a group, and not the system's. */
export function isSiteUid(config: Config, uid: number): boolean {
  if (isSystemUid(uid, NOBODY)) return false;
  return GROUPS.some((group) => {
    const { first, last } = uidRange(config, group);
    return uid >= first && uid <= last;
  });
}

/**
 * Whether a line of passwd is one that the daemon `passwd` writes: a UID and a gid of the site's, and the home of that name. An
 * account that somebody made by hand has another gid, and is the system's; a damaged line is nobody's.
 */
export function isSiteLine(config: Config, line: string): boolean {
  const fields = line.split(':');
  const [login = '', , uid = '', gid = '', , home] = fields;
  return (
    fields.length === 7 &&
    LOGIN.test(login) &&
    home === `/home/${login}` &&
    GROUPS.some((group) => gid === String(config.groups[group].gid)) &&
    /^[1-9]\d{0,9}$/.test(uid) &&
    isSiteUid(config, Number(uid))
  );
}

/** The accounts of this host that are not UDB's. */
export function readSystemAccounts(config: Config, file = '/etc/passwd'): SystemAccounts {
  const lines = readFileSync(file, 'utf8').split('\n');
  return parseAccounts(lines.filter((line) => !isSiteLine(config, line)).join('\n'));
}
