import { LOGIN_PATTERN } from '../udb/login.ts';

/** The set of the homes that everyone has; those of other sets are beside them. */
export const USUAL = 'usual';

/** Every set, in a regular expression. */
export const SET_PATTERN = '[a-z][a-z0-9-]{0,15}';

/** Every home, in a regular expression: that of the usual set has one name alone. */
export const HOME_PATTERN = `${LOGIN_PATTERN}(?:@(?!${USUAL}(?![a-z0-9-]))${SET_PATTERN})?`;

/** Whose home, and which of theirs. */
export interface HomeKey {
  login: string;
  set: string;
}

/**
 * What servers, backups and operators call a home: `alice`, or `alice@contest` for the one of another set. To them these are
 * two homes; that they are one person's, hfsdb alone knows.
 */
export function homeName({ login, set }: HomeKey): string {
  return set === USUAL ? login : `${login}@${set}`;
}

/** Logins have no `@`, so a name is read back as it was made. */
export function parseHomeName(name: string): HomeKey {
  const at = name.indexOf('@');
  return at < 0 ? { login: name, set: USUAL } : { login: name.slice(0, at), set: name.slice(at + 1) };
}

export const ownerOf = (name: string): string => parseHomeName(name).login;
