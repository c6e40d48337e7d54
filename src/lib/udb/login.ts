import { foldAscii } from './fold.ts';

export const MAX_LOGIN = 32;
/** Every login of UDB, in a regular expression. */
export const LOGIN_PATTERN = `[a-z][a-z0-9_-]{0,${MAX_LOGIN - 1}}`;

/** `Jean-Pierre de la Tour` is Jean-Pierre, of family de la Tour: the first word, and the rest. */
export function splitName(name: string): { firstname: string; lastname: string } {
  const [firstname = '', ...rest] = name.trim().split(/\s+/u);
  return { firstname, lastname: rest.join(' ') };
}

/**
 * SADM's way: the first name's initial and the last name, in ASCII: `jdoe`. A name of one word is its own login; one in
 * a script that cannot be spelt in ASCII is `user`, which `freeLogin` numbers.
 */
export function loginBase(firstname: string, lastname: string): string {
  const [first, last] = [letters(firstname), letters(lastname)];
  const base = (last ? first.charAt(0) + last : first).replace(/^\d+/, '');
  return base.slice(0, MAX_LOGIN) || 'user';
}

/** The base, or the base and the lowest number from 2 on that nobody has (`jdoe`, `jdoe2`, …), within 32 characters. */
export function freeLogin(base: string, isTaken: (login: string) => boolean): string {
  const first = base === 'user' ? 1 : 2;
  if (base !== 'user' && !isTaken(base)) return base;
  for (let n = first; ; n++) {
    const login = base.slice(0, MAX_LOGIN - String(n).length) + n;
    if (!isTaken(login)) return login;
  }
}

function letters(text: string): string {
  return foldAscii(text)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
}
