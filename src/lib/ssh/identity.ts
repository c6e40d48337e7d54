import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { AnyAuthMethod } from 'ssh2';
import { ProloError } from '../errors.ts';

const OWN_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/**
 * How we log in as `user`: with that key, or with the operator's agent and their keys without a passphrase.
 * @param file a private key's file; empty: none was named
 * @throws ProloError `config` for a file that is no key, or has a passphrase; `unavailable` with nothing at all
 */
export async function authMethods(
  user: string,
  file: string,
  env: { SSH_AUTH_SOCK?: string | undefined; home?: string },
): Promise<AnyAuthMethod[]> {
  if (file) return [await keyMethod(user, resolve(file))];
  const methods: AnyAuthMethod[] = [];
  if (env.SSH_AUTH_SOCK) methods.push({ type: 'agent', username: user, agent: env.SSH_AUTH_SOCK });
  for (const name of OWN_KEYS)
    try {
      methods.push(await keyMethod(user, join(env.home ?? homedir(), '.ssh', name)));
    } catch {
      // not there, or locked: the agent may have it
    }
  if (methods.length > 0) return methods;
  throw new ProloError('unavailable', 'ssh: no agent, and no key in ~/.ssh that has no passphrase', {
    hint: 'start an agent and `ssh-add`, or name a key with --identity',
  });
}

async function keyMethod(user: string, file: string): Promise<AnyAuthMethod> {
  const { default: ssh2 } = await import('ssh2');
  let key: Buffer;
  try {
    key = readFileSync(file);
  } catch (cause) {
    throw new ProloError('config', `key ${file}: ${(cause as Error).message}`, { cause });
  }
  const parsed = ssh2.utils.parseKey(key);
  if (parsed instanceof Error) {
    const isLocked = /encrypted|passphrase/i.test(parsed.message);
    throw new ProloError('config', `key ${file}: ${isLocked ? 'it has a passphrase' : parsed.message}`, {
      hint: isLocked ? 'give it to your agent: `ssh-add FILE`' : 'expected a private key of OpenSSH',
    });
  }
  return { type: 'publickey', username: user, key: Array.isArray(parsed) ? parsed[0] : parsed };
}
