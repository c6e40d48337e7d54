import { networkInterfaces } from 'node:os';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { ProloError } from '../errors.ts';
import type { Pair } from './state.ts';

const schema = Compile(
  Type.Object(
    {
      login: Type.String({ pattern: '^[a-z][a-z0-9_-]{0,31}$' }),
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
 * Whether whoever asks from `ip` may speak for a machine: the machine itself, and the gateway. Every PC has the secret that
 * signs, so that alone says nothing.
 */
export function maySpeakFor(ip: string, machineIp: string, isOwn: (ip: string) => boolean): boolean {
  return ip === machineIp || isLoopback(ip) || isOwn(ip);
}

function isLoopback(ip: string): boolean {
  return ip === '::1' || ip.startsWith('127.');
}

/** Whether it is an address of this host, as they are now. */
export function isOwnAddress(ip: string): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === ip));
}
