import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { generateSecrets } from '../../src/lib/site/secrets.ts';
import { databaseUrl, loadSite, type Site } from '../../src/lib/site/site.ts';
import { silentLog } from '../../src/lib/log.ts';
import type { DaemonContext } from '../../src/lib/http/daemon.ts';
import { openStore, type Store } from '../../src/lib/store/store.ts';

export interface TestSite {
  site: Site;
  dir: string;
  context: DaemonContext;
  store(): Promise<Store>;
  /** Closes the store and removes the folder. */
  remove(): Promise<void>;
}

/** A site in a folder of its own, on free ports of 127.0.0.1, with an empty database (SQLite unless `database` is given). */
export async function makeTestSite(config: Record<string, unknown> = {}): Promise<TestSite> {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-test-'));
  const portBase = await freePortBase();
  const hfs = { url: 'http://127.0.0.1:{portN}', dir: 'hfs', skeleton: 'skeleton', firewall: 'off' };
  const base = { database: 'sqlite:prolo.db', portBase, serviceUrl: 'http://127.0.0.1:{port}', hfs };
  mkdirSync(join(dir, 'skeleton'));
  writeFileSync(join(dir, 'skeleton/.profile'), '# at home\n');
  writeFileSync(join(dir, 'prolo.yml'), stringify({ ...base, ...config }));
  writeFileSync(join(dir, 'secrets.yml'), stringify(generateSecrets()));
  chmodSync(join(dir, 'secrets.yml'), 0o600);
  const site = loadSite(join(dir, 'prolo.yml'));
  if (site.config.database?.startsWith('sqlite:'))
    await (await openStore(databaseUrl(site, { create: true }))).close();
  let opened: Promise<Store> | undefined;
  const store = (): Promise<Store> => (opened ??= openStore(databaseUrl(site)));
  return {
    site,
    dir,
    store,
    context: { site, log: silentLog, store },
    async remove() {
      await (await opened?.catch(() => undefined))?.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A base whose 140 following ports were free a moment ago (the ones that services use are tried). */
export async function freePortBase(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    // Below the ports that the kernel gives to clients (32768 and up), or one of those may have it first.
    // Nor 10080, which `fetch` takes for a port of something else.
    const base = 10_100 + Math.floor(Math.random() * 150) * 150;
    const offsets = [0, 10, 20, 60, 80, 90, 100, 101, 110, 120, 130, 131];
    if ((await Promise.all(offsets.map((offset) => isFree(base + offset)))).every(Boolean)) return base;
  }
  throw new Error('no free range of ports');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
