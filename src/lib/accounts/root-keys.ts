import { asProloError } from '../errors.ts';
import type { UserRecord } from '../udb/record.ts';
import { checkSshKey } from '../udb/ssh-key.ts';
import { checkLogin } from '../udb/validate.ts';
import { linesOf, replaceOwn } from './own-lines.ts';

const BEGIN = '# prolo: keys of the roots of UDB; what is written here is overwritten';
const END = '# prolo: end of the keys of the roots of UDB';

export interface RootKeys {
  /** A line each, with the login as its comment, in order of login. */
  lines: string[];
  refused: string[];
}

/** The keys of group `root`. A record that is no key is left out: one line more could be anybody's. */
export function rootKeys(users: Iterable<UserRecord>): RootKeys {
  const lines: string[] = [];
  const refused: string[] = [];
  for (const user of users) {
    if (user.group !== 'root' || !user.ssh_key) continue;
    try {
      const login = checkLogin(`user ${String(user.login).slice(0, 40)}`, String(user.login));
      const [type, blob] = checkSshKey(`user ${login}`, String(user.ssh_key)).split(' ');
      lines.push(`${type} ${blob} ${login}`);
    } catch (error) {
      refused.push(asProloError(error).message);
    }
  }
  return { lines: lines.sort((a, b) => compare(loginOf(a), loginOf(b))), refused };
}

/** Logins of the keys between our marks. */
export function keptLogins(text: string): string[] {
  return ownLines(text)
    .filter((line) => !line.startsWith('#'))
    .map(loginOf);
}

/** An authorized_keys with those keys between our marks, and everything else as it was. */
export function replaceKeys(text: string, keys: readonly string[]): string {
  const own = new Set(ownPlaces(linesOf(text)));
  const block = keys.length > 0 ? [BEGIN, ...keys, END] : [];
  return replaceOwn(text, (_line, place) => own.has(place), block);
}

/** Where our lines are: from a mark to its end. A beginning without an end is ours alone: what follows may be somebody's. */
function ownPlaces(lines: readonly string[]): number[] {
  const places: number[] = [];
  let begun: number | undefined;
  lines.forEach((line, place) => {
    if (line === BEGIN) {
      if (begun !== undefined) places.push(begun);
      begun = place;
    } else if (line === END) {
      if (begun === undefined) places.push(place);
      else for (let one = begun; one <= place; one++) places.push(one);
      begun = undefined;
    }
  });
  if (begun !== undefined) places.push(begun);
  return places;
}

function ownLines(text: string): string[] {
  const lines = linesOf(text);
  return ownPlaces(lines).map((place) => lines[place]!);
}

export const loginOf = (line: string): string => line.split(' ').at(-1)!;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
