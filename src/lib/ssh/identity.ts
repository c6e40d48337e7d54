import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { AnyAuthMethod, BaseAgent, ParsedKey } from 'ssh2';
import { ProloError } from '../errors.ts';
import { type Agent, openAgent } from './agent.ts';
import { readKeyFile } from './key-file.ts';

const OWN_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/** How we log in. */
export interface Identity {
  auth: AnyAuthMethod[];
  /** What is wrong with the agent, or with keys that might have done, right now. */
  authTrouble(): string | undefined;
}

export interface Operator {
  SSH_AUTH_SOCK?: string | undefined;
  home?: string;
}

/**
 * How we log in as `user`: with that key, or with the operator's agent and their keys without a passphrase.
 * @param file a private key's file; a public one's, or one with a passphrase, where the agent has that key. Empty: none was named
 * @throws ProloError `config` for a file that will not do; `unavailable` with nothing at all
 */
export async function openIdentity(user: string, file: string, operator: Operator): Promise<Identity> {
  if (file) return namedKey(user, resolve(file), operator);
  const { agent, complaint } = await agentOf(operator);
  const complaints = complaint ? [complaint] : [];
  const auth: AnyAuthMethod[] = [];
  if (agent && agent.keys.length > 0) auth.push(agentMethod(user, agent));
  for (const name of OWN_KEYS) {
    const read = await readKeyFile(join(operator.home ?? homedir(), '.ssh', name));
    if (read.is === 'private' && !hasKey(agent, read.key))
      auth.push({ type: 'publickey', username: user, key: read.key });
    if (read.is !== 'private' && read.is !== 'absent' && !hasKey(agent, read.key))
      complaints.push(`${name}: ${read.what}`);
  }
  if (auth.length > 0)
    return { auth, authTrouble: () => agent?.trouble() ?? (complaints.join('; ') || undefined) };
  throw new ProloError('unavailable', `ssh: nothing to log in with: ${complaints.join('; ')}`, {
    hint: 'give a key to an agent (`eval "$(ssh-agent)"; ssh-add FILE`), or name one: --identity FILE, or ssh.identity in prolo.yml',
  });
}

async function agentOf({ SSH_AUTH_SOCK: socket }: Operator): Promise<{ agent?: Agent; complaint?: string }> {
  if (!socket) return { complaint: 'no agent (SSH_AUTH_SOCK is not set)' };
  try {
    const agent = await openAgent(socket);
    return agent.keys.length > 0
      ? { agent }
      : { agent, complaint: `agent ${socket}: it has no key that we can use (is it locked?)` };
  } catch (error) {
    return { complaint: (error as Error).message };
  }
}

/** @throws ProloError `config` */
async function namedKey(user: string, file: string, operator: Operator): Promise<Identity> {
  const read = await readKeyFile(file);
  if (read.is === 'private')
    return { auth: [{ type: 'publickey', username: user, key: read.key }], authTrouble: () => undefined };
  const isHalf = read.is === 'locked' || read.is === 'public';
  const { agent, complaint } = isHalf ? await agentOf(operator) : {};
  const held = agent?.keys.filter((key) => read.key && key.equals(read.key)) ?? [];
  if (agent && held.length > 0)
    return { auth: [agentMethod(user, agent, held)], authTrouble: () => agent.trouble() };
  throw new ProloError('config', `key ${file}: ${[read.what, complaint].filter(Boolean).join('; ')}`, {
    hint: read.hint,
  });
}

function agentMethod(user: string, agent: Agent, keys = agent.keys): AnyAuthMethod {
  return { type: 'agent', username: user, agent: agent.offering(keys) as BaseAgent };
}

function hasKey(agent: Agent | undefined, key: ParsedKey | undefined): boolean {
  return key !== undefined && (agent?.keys.some((held) => held.equals(key)) ?? false);
}
