import { readMachines } from '../mdb/source.ts';
import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';
import type { Pair } from './state.ts';

/** A session as people see it. */
export interface Session {
  login: string;
  hostname: string;
  ip: string;
  /** ISO 8601, UTC; empty where this host cannot know */
  since: string;
  room: string;
}

/** Who is where, as this host can read it: the database on the gateway, HTTP on every other host. */
export async function readSessions(site: Site, store: () => Promise<Store>): Promise<Session[]> {
  const machines = new Map((await readMachines(site, store)).map((machine) => [machine.hostname, machine]));
  return (await readLogins(site, store)).map(({ login, hostname, ip, since }) => {
    const machine = machines.get(hostname);
    return { login, hostname, ip: ip ?? machine?.ip ?? '', since: since ?? '', room: machine?.room ?? '' };
  });
}

/** Who is on which machine, in order of login; the rest only on the gateway. */
export async function readLogins(
  site: Site,
  store: () => Promise<Store>,
): Promise<(Pair & { ip?: string; since?: string })[]> {
  if (site.config.database) {
    const [{ listPresence }, { knex }] = await Promise.all([import('./table.ts'), store()]);
    return listPresence(knex);
  }
  const { fetchPresence } = await import('./client.ts');
  return Object.entries(await fetchPresence(site))
    .map(([login, hostname]) => ({ login, hostname }))
    .sort((a, b) => (a.login < b.login ? -1 : 1));
}
