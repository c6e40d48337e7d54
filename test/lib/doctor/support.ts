import { openStore } from '../../../src/lib/store/store.ts';
import { loadSite, databaseUrl } from '../../../src/lib/site/site.ts';
import { chooseChecks } from '../../../src/lib/doctor/doctor.ts';
import { examine, type Outcome } from '../../../src/lib/doctor/examine.ts';
import { openPatient, type OpenPatient } from '../../../src/lib/doctor/patient.ts';

/** One check of a site as its files are now. */
export async function doctor(
  file: string,
  name: string,
  places: Partial<Pick<OpenPatient, 'proc' | 'sys' | 'now'>> = {},
  limitMs = 8_000,
): Promise<Outcome> {
  const patient = { ...openPatient(loadSite(file)), ...places };
  try {
    const [outcome] = await examine(chooseChecks([name]), patient, { limitMs });
    return outcome!;
  } finally {
    await patient.close();
  }
}

/** What it says of all that is not green. */
export function complaints({ findings }: Outcome): string[] {
  return findings.filter(({ colour }) => colour !== 'green').map(({ colour, what }) => `${colour}: ${what}`);
}

/** Changes the database behind everybody's back. */
export async function alter(file: string, sql: string): Promise<void> {
  const store = await openStore(databaseUrl(loadSite(file)), { migrate: false });
  await store.knex.raw(sql);
  await store.close();
}
