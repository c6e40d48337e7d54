import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { HomesList } from '../../lib/hfs/db/operate.ts';

export default class HfsList extends BaseCommand<typeof HfsList> {
  static override description = 'list homes: where each is, how full, and who uses it';
  static override examples = ['<%= config.bin %> hfs list', '<%= config.bin %> hfs list --set contest'];
  static override flags = {
    set: Flags.string({ description: 'only those of one set', helpValue: 'SET' }),
  };

  async run() {
    const [{ operatorClient }, { listRows }, { table }, { parseHomeName }, { mustBeSet }] = await Promise.all(
      [
        import('../../lib/hfs/operator.ts'),
        import('../../lib/hfs/db/list-rows.ts'),
        import('../../lib/cli/table.ts'),
        import('../../lib/hfs/home-name.ts'),
        import('../../lib/hfs/named-home.ts'),
      ],
    );
    const { set } = this.flags;
    if (set !== undefined) mustBeSet(set);
    const all = (await operatorClient(await this.site()).call('list')) as HomesList;
    const isWanted = (name: string): boolean => set === undefined || parseHomeName(name).set === set;
    const list = { ...all, homes: all.homes.filter(({ login }) => isWanted(login)) };
    const columns = ['login', 'hfs', 'used', 'size', 'state', 'seat', 'client', 'written'];
    this.log(table(columns, listRows(list)));
    const troubles = new Map<string, number[]>();
    for (const { hfs, error } of list.servers)
      if (error) {
        const what = error.replace(/^hfs \d+: /, '');
        troubles.set(what, [...(troubles.get(what) ?? []), hfs]);
      }
    for (const [what, numbers] of troubles) this.note(`hfs ${numbers.join(', ')}: ${what}`);
    return list;
  }
}
