import { ProloError } from '../errors.ts';
import { quote } from '../mdb/validate.ts';
import { type Config, type Group, GROUPS } from '../site/schema.ts';
import { LOGIN_PATTERN, MAX_LOGIN } from './login.ts';
import { isSystemLogin, type SystemAccounts } from './system-accounts.ts';

const LOGIN = new RegExp(`^${LOGIN_PATTERN}$`, 'i');

/** A login, case folded. @throws ProloError `bad-input` */
export function checkLogin(owner: string, text: string): string {
  const login = text.trim();
  // Before it is folded: the Kelvin sign is no k. A leading _ is the system's, and `__proto__` no key of a JavaScript object.
  if (LOGIN.test(login)) return login.toLowerCase();
  throw new ProloError(
    'bad-input',
    `${owner}: login ${quote(text)} is not a login (a letter, then letters, digits, - and _, at most ${MAX_LOGIN})`,
  );
}

/** Whether nobody may be given this login: the system's, or the site's choice. */
export function isReserved(config: Config, system: SystemAccounts, login: string): boolean {
  return isSystemLogin(login, system) || config.reservedLogins.some((name) => name.toLowerCase() === login);
}

export function checkGroup(owner: string, text: string): Group {
  if ((GROUPS as readonly string[]).includes(text)) return text as Group;
  throw new ProloError('bad-input', `${owner}: group ${quote(text)} is none of ${GROUPS.join(', ')}`);
}

/** A first or last name: any script, but nothing that could break a line or a field of /etc/passwd. */
export function checkName(owner: string, field: string, text: string): string {
  const name = text.normalize('NFC').trim().replace(/\s+/gu, ' ');
  if ([...name].length > 64)
    throw new ProloError('bad-input', `${owner}: ${field} ${quote(name)} is longer than 64`);
  const bad = /[:\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.exec(name)?.[0];
  if (bad === undefined) return name;
  throw new ProloError(
    'bad-input',
    `${owner}: ${field} ${quote(name)} holds ${quote(bad)}, which no name may`,
  );
}

export function checkShell(owner: string, text: string): string {
  if (/^\/[\w./-]{1,254}$/.test(text)) return text;
  throw new ProloError('bad-input', `${owner}: shell ${quote(text)} is not a path such as /bin/bash`);
}

/** A hash that crypt(3) makes, `$id$…`. A plain password is none, so it cannot get into the feed by mistake. */
export function checkHash(owner: string, text: string): string {
  if (/^\$[0-9a-z]{1,10}\$[./0-9A-Za-z$=,]{8,240}$/.test(text)) return text;
  throw new ProloError('bad-input', `${owner}: password is not a crypt(3) hash ($6$…)`);
}

/** A plain password that somebody chose. Its text is never in an error. */
export function checkPassword(owner: string, text: string): string {
  const problem =
    text.length === 0
      ? 'is empty'
      : text.length > 128
        ? 'is longer than 128'
        : /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)
          ? 'holds a control character'
          : text !== text.trim()
            ? 'begins or ends with a space'
            : /^\$[0-9a-z]+\$.{20}/.test(text)
              ? 'looks like a crypt(3) hash; the plain password is wanted here'
              : undefined;
  if (problem) throw new ProloError('bad-input', `${owner}: password ${problem}`);
  return text;
}
