import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { ProloError } from '../errors.ts';
import { isLoopback } from '../net.ts';
import { ownAddresses } from '../own-addresses.ts';
import { LOGIN_PATTERN } from '../udb/login.ts';
import type { Pair } from './state.ts';

const schema = Compile(
  Type.Object(
    {
      login: Type.String({ pattern: `^${LOGIN_PATTERN}$` }),
      hostname: Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' }),
    },
    { additionalProperties: false },
  ),
);

/** Reads what a seat sent. @throws ProloError `bad-input` */
export function parsePair(text: string): Pair {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new ProloError('bad-input', 'data: no JSON', { cause });
  }
  if (schema.Check(data)) return data;
  throw new ProloError(
    'bad-input',
    'data: expected {"login": …, "hostname": …} and nothing else: a login as in UDB, a machine\'s name without a domain',
  );
}

/**
 * Whether an address is the gateway's own, which may speak for every machine; a machine may speak for itself alone. Every PC
 * has the secret that signs, so that says nothing.
 */
export function isGateway(ip: string): boolean {
  return isLoopback(ip) || ownAddresses().has(ip);
}
