import type { Knex } from 'knex';
import { contestRuns } from '../contest/table.ts';
import { ProloError } from '../errors.ts';
import { audit } from '../store/change-log.ts';
import { type Store, transact } from '../store/store.ts';

/** Volatile settings: switches that roots throw while everything runs. */
export const SETTINGS = {
  allow_self_registration: {
    description: 'unknown machines may register themselves',
    values: ['true', 'false'],
    default: 'false',
  },
} as const;
export type SettingKey = keyof typeof SETTINGS;

export async function getSetting(db: Knex, key: SettingKey): Promise<string> {
  const row = (await db('settings').where({ key }).first('value')) as { value: string } | undefined;
  return row?.value ?? SETTINGS[key].default;
}

/** Whether unknown machines may register themselves: as the setting says, but never while the contest runs. */
export async function registrationIsOpen(db: Knex, now: Date): Promise<boolean> {
  return (await getSetting(db, 'allow_self_registration')) === 'true' && !(await contestRuns(db, now));
}

/** @throws ProloError `bad-input` for a setting or a value that is none. */
export async function setSetting(store: Store, actor: string, key: string, value: string): Promise<void> {
  const setting = SETTINGS[checkSetting(key)];
  if (!(setting.values as readonly string[]).includes(value))
    throw new ProloError('bad-input', `setting ${key}: ${value} is none of ${setting.values.join(', ')}`);
  await transact(store, async (tx) => {
    await tx('settings').insert({ key, value }).onConflict('key').merge();
    await audit(tx, actor, 'setting', `${key} = ${value}`);
  });
}

export function checkSetting(key: string): SettingKey {
  if (Object.hasOwn(SETTINGS, key)) return key as SettingKey;
  throw new ProloError('bad-input', `setting ${key}: unknown`, {
    hint: `known: ${Object.keys(SETTINGS).join(', ')}`,
  });
}
