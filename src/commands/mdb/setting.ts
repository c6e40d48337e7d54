import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class MdbSetting extends BaseCommand<typeof MdbSetting> {
  static override description = 'show the volatile settings, or change one';
  static override examples = [
    '<%= config.bin %> mdb setting',
    '<%= config.bin %> mdb setting allow_self_registration true',
  ];
  static override args = {
    key: Args.string({ description: 'which setting' }),
    value: Args.string({ description: 'its new value' }),
  };

  async run() {
    const [{ checkSetting, getSetting, registrationIsOpen, setSetting, SETTINGS }, { table }] =
      await Promise.all([import('../../lib/mdb/settings.ts'), import('../../lib/cli/table.ts')]);
    const { key, value } = this.args;
    const store = await this.store();
    if (key !== undefined && value !== undefined) await setSetting(store, this.actor, key, value);
    const keys =
      key === undefined ? (Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]) : [checkSetting(key)];
    const settings = await Promise.all(
      keys.map(async (k) => ({
        key: k,
        value: await getSetting(store.knex, k),
        description: SETTINGS[k].description,
      })),
    );
    this.log(
      table(
        ['setting', 'value', 'meaning'],
        settings.map((s) => [s.key, s.value, s.description]),
      ),
    );
    const allowed = settings.some(({ key: k, value: v }) => k === 'allow_self_registration' && v === 'true');
    if (allowed && !(await registrationIsOpen(store.knex, new Date())))
      this.note('allow_self_registration: not while the contest runs (`prolo contest status`)');
    return Object.fromEntries(settings.map((s) => [s.key, s.value]));
  }
}
