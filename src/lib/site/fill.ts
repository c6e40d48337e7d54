import { decideImport } from '../mdb/import.ts';
import { changeMachines } from '../mdb/machines.ts';
import { saveSwitch } from '../mdb/switches.ts';
import { openStore } from '../store/store.ts';
import { sampleMachines, samplePeople, sampleSwitches } from './sample.ts';
import { databaseUrl, type Site } from './site.ts';

export interface SiteCounts {
  machines: number;
  switches: number;
  users: number;
}

/** Makes the database of a new site, and fills it with the sample when it should be one; can be repeated after a crash. */
export async function fillSite(site: Site, sample: boolean, actor: string): Promise<SiteCounts> {
  const store = await openStore(databaseUrl(site, { create: true }));
  try {
    if (!sample) return { machines: 0, switches: 0, users: 0 };
    const machines = sampleMachines();
    const switches = sampleSwitches();
    const { importUsers } = await import('../udb/import.ts');
    await changeMachines(store, site.config, actor, (current) =>
      decideImport(
        current,
        machines.map((input) => ({ input })),
        false,
      ),
    );
    for (const record of switches) await saveSwitch(store, site.config, actor, record);
    const rows = samplePeople().map(({ name, group }, i) => {
      const [firstname = '', lastname = ''] = name.split(' ');
      return { where: `sample: person ${i + 1}`, firstname, lastname, group };
    });
    await importUsers(store, site.config, actor, rows, site.secret('passwords.key'), { existing: 'ignore' });
    return { machines: machines.length, switches: switches.length, users: rows.length };
  } finally {
    await store.close();
  }
}
