import { ProloError } from '../lib/errors.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';

/** Every daemon by name, in the order they start: sources, feeds, then those who follow them. */
const DAEMONS: Record<string, () => Promise<{ start: StartDaemon }>> = {
  mdb: () => import('./mdb.ts'),
  udb: () => import('./udb.ts'),
  mdbsync: () => import('./mdbsync.ts'),
  udbsync: () => import('./udbsync.ts'),
  netboot: () => import('./netboot.ts'),
  mdbdns: () => import('./mdbdns.ts'),
  mdbdhcp: () => import('./mdbdhcp.ts'),
};

export const DAEMON_NAMES = Object.keys(DAEMONS);

/** @throws ProloError `bad-input` for a name that is none */
export async function loadDaemon(name: string): Promise<StartDaemon> {
  const load = Object.hasOwn(DAEMONS, name) ? DAEMONS[name] : undefined;
  if (!load)
    throw new ProloError('bad-input', `daemon ${name}: unknown`, {
      hint: `daemons: ${DAEMON_NAMES.join(', ')}`,
    });
  return (await load()).start;
}
