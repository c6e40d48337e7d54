import { ProloError } from '../errors.ts';
import { LOGIN_PATTERN } from '../udb/login.ts';
import { homeName, parseHomeName, SET_PATTERN } from './home-name.ts';

/** People may name the usual set too. */
const HOME = new RegExp(`^${LOGIN_PATTERN}(?:@${SET_PATTERN})?$`);
const SET = new RegExp(`^${SET_PATTERN}$`);

/**
 * The home that an operator means: a login, of `set` or of the usual ones; or LOGIN@SET, as lists show it.
 * @throws ProloError `bad-input`
 */
export function namedHome(word: string, set: string | undefined): string {
  if (!HOME.test(word))
    throw new ProloError('bad-input', `home ${word}: neither a login nor LOGIN@SET`, {
      hint: 'as `prolo hfs list` shows them',
    });
  const name = parseHomeName(word);
  if (set === undefined) return homeName(name);
  mustBeSet(set);
  if (word.includes('@') && name.set !== set)
    throw new ProloError('bad-input', `home ${word}: not of the set ${set}`, { hint: 'name the set once' });
  return homeName({ login: name.login, set });
}

/** @throws ProloError `bad-input` */
export function mustBeSet(set: string): void {
  if (SET.test(set)) return;
  throw new ProloError('bad-input', `set ${set}: not the name of a set of homes`, {
    hint: 'such as usual, contest or semifinal: small letters, digits and dashes, at most 16',
  });
}
