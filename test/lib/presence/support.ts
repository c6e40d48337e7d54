import { start } from '../../../src/daemons/presencesync.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { changeMachines } from '../../../src/lib/mdb/machines.ts';
import { makeToken } from '../../../src/lib/rpc/token.ts';
import type { Site } from '../../../src/lib/site/site.ts';
import type { Store } from '../../../src/lib/store/store.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';

export interface PresenceSite extends TestSite {
  db: Store;
  url: string;
  /** Ends the daemon before the test does. */
  close(): Promise<void>;
}

/** Machines m1 to m`count`, `orga1` of type orga, users u1 to u`count`, and `boss`, an organiser. */
export async function fillSite(site: Site, store: Store, count: number): Promise<void> {
  const mac = (n: number): string =>
    `02:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`;
  const wishes = Array.from({ length: count }, (_, i) => ({
    input: { hostname: `m${i + 1}`, mac: mac(i + 1), mtype: 'user' },
  }));
  wishes.push({ input: { hostname: 'orga1', mac: mac(60_000), mtype: 'orga' } });
  await changeMachines(store, site.config, 'test', () => ({ wishes }));
  const row = (login: string, uid: number, group: string) => ({
    ...{ login, uid, group, firstname: login, lastname: '', shell: '/bin/bash', ssh_key: '' },
    password_hash: '$6$abcdefgh$aaaaaaaa',
  });
  const rows = Array.from({ length: count }, (_, i) => row(`u${i + 1}`, 10_000 + i, 'user'));
  await store.knex.batchInsert('users', [...rows, row('boss', 60_000, 'orga')], 50);
}

/** presencesync in this process on such a site; all of it ends after the test. */
export function presenceStarter(): (options?: {
  store?: Store;
  config?: Record<string, unknown>;
  count?: number;
}) => Promise<PresenceSite> {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  return async ({ store, config, count = 3 } = {}) => {
    const test = await makeTestSite(config);
    cleanups.push(test.remove);
    const db = store ?? (await test.store());
    await fillSite(test.site, db, count);
    const daemon = await start({ site: test.site, log: silentLog, store: () => Promise.resolve(db) });
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => (closing ??= daemon.close());
    cleanups.push(close);
    return { ...test, db, url: daemon.url!, close };
  };
}

export interface Answer {
  status: number;
  text: string;
}

/** A seat's request. @param ip whose address it comes from; without it, the gateway's own */
export async function ask(
  { url, site }: { url: string; site: Site },
  verb: string,
  data: unknown,
  ip?: string,
): Promise<Answer> {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const hmac = makeToken(site.secret('presencesync.publish'), text, Date.now());
  const response = await fetch(`${url}/${verb}`, {
    method: 'POST',
    body: new URLSearchParams({ data: text, hmac }),
    ...(ip === undefined ? {} : { headers: { 'x-real-ip': ip } }),
  });
  return { status: response.status, text: await response.text() };
}

/** Who is where, as SADM's clients ask for it. */
export async function getList({ url, site }: { url: string; site: Site }): Promise<Record<string, string>> {
  const hmac = makeToken(site.secret('presencesync.subscribe'), '{}', Date.now());
  const response = await fetch(`${url}/get_list?${new URLSearchParams({ data: '{}', hmac })}`);
  return (await response.json()) as Record<string, string>;
}

/** The audit's lines of presence, `action: details`. */
export async function auditLines(db: Store): Promise<string[]> {
  const rows = (await db.knex('audit').where('action', 'like', 'presence %').orderBy('id')) as {
    actor: string;
    action: string;
    details: string;
  }[];
  return rows.map(({ actor, action, details }) => `${actor} | ${action}: ${details}`);
}
