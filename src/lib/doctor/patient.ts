import { readView } from '../netboot/follow-mdb.ts';
import { databaseUrl, type Site } from '../site/site.ts';
import { openStore, type Store } from '../store/store.ts';
import { NotChecked, type Patient } from './check.ts';

export interface OpenPatient extends Omit<Patient, 'signal'> {
  close(): Promise<void>;
}

/** What checks go by, opened when the first of them asks. The database's schema is left as it is. */
export function openPatient(site: Site, places: { proc?: string; sys?: string } = {}): OpenPatient {
  let store: Promise<Store> | undefined;
  let mdb: ReturnType<typeof readView> | undefined;
  const open = (): Promise<Store> =>
    (store ??= (async () => openStore(databaseUrl(site), { migrate: false }))());
  return {
    site,
    store: open,
    // That the database is out of reach is one finding, and `database` has it.
    mdb: () =>
      (mdb ??= open()
        .then(({ knex }) => readView(knex))
        .catch((error: Error) => {
          throw new NotChecked(`MDB cannot be read: ${error.message}`);
        })),
    proc: places.proc ?? '/proc',
    sys: places.sys ?? '/sys',
    now: Date.now,
    close: async () => (await store?.catch(() => undefined))?.close(),
  };
}
