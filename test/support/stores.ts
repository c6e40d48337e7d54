import { openStore, type Store } from '../../src/lib/store/store.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needs } from './needs.ts';
import { createDatabase, postgresPackages } from './postgres.ts';

/**
 * Runs one suite on SQLite and again on a real PostgreSQL. `fresh()` gives each test an empty store; all are closed after it.
 */
export function onBothStores(title: string, suite: (fresh: () => Promise<Store>) => void): void {
  for (const kind of ['SQLite', 'PostgreSQL'] as const)
    describe(`${title} on ${kind}`, function () {
      this.timeout(60_000);
      const cleanups: (() => Promise<void> | void)[] = [];
      before(function () {
        if (kind === 'PostgreSQL') needs(this, postgresPackages);
      });
      afterEach(async () => {
        for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
      });
      suite(async () => {
        if (kind === 'PostgreSQL') {
          const database = await createDatabase();
          const store = await openStore(database.url);
          cleanups.push(database.drop, () => store.close());
          return store;
        }
        const dir = mkdtempSync(join(tmpdir(), 'prolo-store-'));
        const store = await openStore(`sqlite:${join(dir, 'prolo.db')}`);
        cleanups.push(
          () => rmSync(dir, { recursive: true, force: true }),
          () => store.close(),
        );
        return store;
      });
    });
}
