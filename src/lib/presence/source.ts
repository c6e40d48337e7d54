import { readMachines } from '../mdb/source.ts';
import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';

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
  const room = (hostname: string): string => machines.get(hostname)?.room ?? '';
  if (site.config.database) {
    const [{ listPresence }, { knex }] = await Promise.all([import('./table.ts'), store()]);
    return (await listPresence(knex)).map((one) => ({ ...one, room: room(one.hostname) }));
  }
  const { fetchPresence } = await import('./client.ts');
  return Object.entries(await fetchPresence(site))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([login, hostname]) => ({
      login,
      hostname,
      ip: machines.get(hostname)?.ip ?? '',
      since: '',
      room: room(hostname),
    }));
}
