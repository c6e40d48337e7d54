import { Type } from 'typebox';
import { LOGIN_PATTERN } from '../udb/login.ts';
import { HOME_PATTERN, SET_PATTERN } from './home-name.ts';

/** What the calls of homes are checked by. */
export const Login = Type.String({ pattern: `^${LOGIN_PATTERN}$`, description: 'a login' });
/** As `login` of all that servers and operators say of a home (`home-name.ts`). */
export const HomeName = Type.String({
  pattern: `^${HOME_PATTERN}$`,
  description: 'a home: a login, or LOGIN@SET',
});
export const SetName = Type.String({ pattern: `^${SET_PATTERN}$`, description: 'a set of homes' });
export const Server = Type.Integer({
  minimum: 0,
  maximum: 9999,
  description: "a home file server's number, 0 to 9999",
});
/** As far as the database's integers go. */
export const Epoch = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, description: 'an epoch' });
