import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { ProloError } from '../errors.ts';
import { GROUPS } from '../site/schema.ts';
import { Login, Server } from './params.ts';

const GetHfs = Type.Object({ user: Login, hfs: Server, utype: Type.Optional(Type.Enum([...GROUPS])) });

/**
 * Whose home a seat asks for, in SADM's words: `{"user": LOGIN, "hfs": NUMBER, "utype": GROUP}`. Its group is read from UDB.
 * @param number of this server
 * @throws ProloError `bad-input`
 */
export function parseGetHfs(text: string, number: number): { user: string } {
  let ask: unknown;
  try {
    ask = JSON.parse(text);
  } catch (cause) {
    throw new ProloError('bad-input', 'get_hfs: data is not JSON', { cause });
  }
  if (!Value.Check(GetHfs, ask)) {
    const [error] = Value.Errors(GetHfs, ask);
    const { instancePath = '', message = '' } = error ?? {};
    throw new ProloError('bad-input', `get_hfs: ${instancePath} ${message}`.trim(), {
      hint: 'expected {"user": LOGIN, "hfs": NUMBER, "utype": "user"|"orga"|"root"}',
    });
  }
  if (ask.hfs !== number)
    throw new ProloError('bad-input', `get_hfs: this is hfs ${number}, not hfs ${ask.hfs}`);
  return ask;
}
