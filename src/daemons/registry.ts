import { ProloError } from '../lib/errors.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import type { Config } from '../lib/site/schema.ts';

/** Every daemon by name, in the order they start: sources, feeds, then those who follow them. */
const DAEMONS: Record<string, () => Promise<{ start: StartDaemon }>> = {
  mdb: () => import('./mdb.ts'),
  udb: () => import('./udb.ts'),
  mdbsync: () => import('./mdbsync.ts'),
  udbsync: () => import('./udbsync.ts'),
  presencesync: () => import('./presencesync.ts'),
  rfssync: () => import('./rfssync.ts'),
  contestsync: () => import('./contestsync.ts'),
  hfsdb: () => import('./hfsdb.ts'),
  netboot: () => import('./netboot.ts'),
  sso: () => import('./sso.ts'),
  usermap: () => import('./usermap.ts'),
  mdbdns: () => import('./mdbdns.ts'),
  mdbdhcp: () => import('./mdbdhcp.ts'),
};

/** What runs elsewhere than on the gateway; `hfs` is one of several on its host, `hfs@2`. */
const ELSEWHERE: typeof DAEMONS = {
  hfs: () => import('./hfs.ts'),
  firewall: () => import('./firewall.ts'),
  contest: () => import('./contest.ts'),
  presenced: () => import('./presenced.ts'),
  passwd: () => import('./passwd.ts'),
  rootssh: () => import('./rootssh.ts'),
  timers: () => import('./timers.ts'),
};
const NUMBERED = 'hfs';

/** The gateway's. */
const DAEMON_NAMES = Object.keys(DAEMONS);
/** Of every host; one of several without its number. */
export const ALL_DAEMONS = [...DAEMON_NAMES, ...Object.keys(ELSEWHERE)];

/** What `prolo up` runs: the gateway's, and the HFS that the site puts on this host. */
export function upNames(config: Config): string[] {
  return [...DAEMON_NAMES, ...config.hfs.up.map((number) => `${NUMBERED}@${number}`)];
}

export interface LoadedDaemon {
  start: StartDaemon;
  /** Which one of several: 2 of `hfs@2`. */
  number?: number;
}

/** @throws ProloError `bad-input` for a name that is none */
export async function loadDaemon(name: string): Promise<LoadedDaemon> {
  const [, kind = '', digits] = /^([a-z]+)(?:@(\d{1,4}))?$/.exec(name) ?? [];
  const all = { ...DAEMONS, ...ELSEWHERE };
  const load = Object.hasOwn(all, kind) ? all[kind] : undefined;
  if (!load || (kind === NUMBERED) !== (digits !== undefined))
    throw new ProloError('bad-input', `daemon ${name}: unknown`, {
      hint: `daemons: ${Object.keys(all)
        .map((one) => (one === NUMBERED ? `${one}@NUMBER` : one))
        .join(', ')}`,
    });
  const { start } = await load();
  return digits === undefined ? { start } : { start, number: Number(digits) };
}
