import { isIPv4 } from 'node:net';
import type { Config, Group, Mtype } from '../site/schema.ts';

/** What the feeds have said; undefined: nothing yet. */
export interface Known {
  machines: ReadonlyMap<string, { hostname: string; ip: string; mtype: string }> | undefined;
  users: ReadonlyMap<string, { group: string }> | undefined;
  sessions: ReadonlyMap<string, { login: string; hostname: string }> | undefined;
}

export type Policy = Pick<Config['firewall'], 'mtypes' | 'groups' | 'addresses'>;

/** Addresses that reach the internet. */
export interface Allowed {
  internet: ReadonlySet<string>;
  /** Those that a contest takes it from: only for as long as the firewall's daemon lives, which would know of one. */
  lent: ReadonlySet<string>;
}

export const NOBODY: Allowed = { internet: new Set(), lent: new Set() };

/** @param during who may while a contest runs */
export function splitAllowed(known: Known, policy: Policy, during: Policy): Allowed {
  const internet = allowedAddresses(known, during);
  const lent = [...allowedAddresses(known, policy)].filter((address) => !internet.has(address));
  return { internet, lent: new Set(lent) };
}

/** The addresses that reach the internet. None until all feeds have spoken: what is not known is closed. */
export function allowedAddresses({ machines, users, sessions }: Known, policy: Policy): Set<string> {
  const allowed = new Set<string>();
  if (!machines || !users || !sessions) return allowed;
  for (const address of policy.addresses) allowed.add(address);
  const addressOf = new Map<string, string>();
  for (const { hostname, ip, mtype } of machines.values()) {
    if (!isIPv4(ip)) continue; // a feed is no check: this goes into a script that root runs
    addressOf.set(hostname, ip);
    if (policy.mtypes.includes(mtype as Mtype)) allowed.add(ip);
  }
  for (const { login, hostname } of sessions.values()) {
    const group = users.get(login)?.group;
    const address = addressOf.get(hostname);
    if (address !== undefined && policy.groups.includes(group as Group)) allowed.add(address);
  }
  return allowed;
}

/** What has to change for `now` to be `wanted`. */
export function difference(
  now: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
): { add: string[]; remove: string[] } {
  return {
    add: [...wanted].filter((one) => !now.has(one)),
    remove: [...now].filter((one) => !wanted.has(one)),
  };
}
