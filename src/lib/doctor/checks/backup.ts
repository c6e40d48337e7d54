import { check, green, NotChecked, type Patient, red, yellow } from '../check.ts';

interface Facts {
  /** ISO 8601; undefined: never. */
  at: string | undefined;
  nowMs: number;
}

const HOUR_MS = 3_600_000;
const [YELLOW_MS, RED_MS] = [24 * HOUR_MS, 7 * 24 * HOUR_MS];

export const backup = check({
  name: 'backup',
  subject: 'the last backup of the site',
  async gather({ store, mdb, now }: Patient): Promise<Facts> {
    await mdb();
    const { knex } = await store().catch((error: Error) => {
      throw new NotChecked(error.message);
    });
    const row = (await knex('audit').where({ action: 'site backup' }).max({ at: 'at' }).first()) as
      { at: string | null } | undefined;
    return { at: row?.at ?? undefined, nowMs: now() };
  },
  decide({ at, nowMs }: Facts) {
    const fix = 'prolo site backup FILE, on a disk that is not of this host';
    if (at === undefined) return [yellow('there is none yet', fix)];
    const age = nowMs - Date.parse(at);
    const what = `${age < 48 * HOUR_MS ? `${Math.floor(age / HOUR_MS)} hours` : `${Math.floor(age / (24 * HOUR_MS))} days`} ago`;
    if (age < YELLOW_MS) return [green(what)];
    return [(age < RED_MS ? yellow : red)(what, fix)];
  },
});
