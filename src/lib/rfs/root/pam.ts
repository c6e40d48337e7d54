import { existsSync, readFileSync } from 'node:fs';
import { inside } from '../inside.ts';
import type { TreeEntry } from './tree-entry.ts';

/** Doors of a PC. Not among them: cron and su, since a job at night is no login; the greeter's own session. */
const SERVICES = 'login sshd lightdm lightdm-autologin gdm-password sddm lxdm greetd xdm';
const HOOK = '/usr/lib/prolo/templates/pam/prolo-pam';
/** Of one login, homes that have to move included. */
const LOGIN_SECONDS = 60;

export interface HookArguments {
  /** presenced's. */
  socket: string;
  /** `FIRST-LAST`: those who have a home. */
  uids: readonly string[];
}

/**
 * The service with the hook in it, once: where an account has been found good, and before anything of a session begins. The hook runs
 * as root, so what a person may put into PAM's environment is taken out.
 */
export function withHook(text: string, { socket, uids }: HookArguments): string {
  const hook = (kind: string): string =>
    `${kind.padEnd(11)}requisite    pam_exec.so stdout quiet ${[HOOK, socket, LOGIN_SECONDS, ...uids].join(' ')}`;
  const lines = text
    .split('\n')
    .filter((line) => !line.includes(HOOK))
    .map((line) => (line.includes('pam_env.so') ? line.replace(/\s+user_readenv=1\b/, '') : line));
  const isOf = (kind: string, line: string): boolean =>
    new RegExp(`^\\s*(-?${kind}\\s|@include\\s+(common|system)-${kind}\\b)`).test(line);
  const first = lines.findIndex((line) => isOf('session', line));
  const last = lines.findLastIndex((line) => isOf('account', line));
  const end = lines.at(-1) === '' ? lines.length - 1 : lines.length;
  const session = first < 0 ? end : first;
  // From the end, so that the other place stays where it is.
  const places = [
    { at: session, line: hook('session') },
    { at: last < 0 ? session : last + 1, line: hook('account') },
  ].sort((a, b) => b.at - a.at);
  for (const { at, line } of places) lines.splice(at, 0, line);
  return lines.join('\n');
}

/** Those services of a tree that it has. */
export function pamEntries(tree: string, hook: HookArguments): TreeEntry[] {
  return SERVICES.split(' ').flatMap((service): TreeEntry[] => {
    const path = `etc/pam.d/${service}`;
    const file = inside(tree, path);
    return existsSync(file) ? [{ path, data: withHook(readFileSync(file, 'utf8'), hook) }] : [];
  });
}
