import { BaseCommand } from '../../base-command.ts';
import type { HomesList } from '../../lib/hfs/db/operate.ts';

export default class HfsList extends BaseCommand<typeof HfsList> {
  static override description = 'list homes: where each is, how full, and who uses it';
  static override examples = ['<%= config.bin %> hfs list', '<%= config.bin %> hfs list --json'];

  async run() {
    const [{ operatorClient }, { listRows }, { table }] = await Promise.all([
      import('../../lib/hfs/operator.ts'),
      import('../../lib/hfs/db/list-rows.ts'),
      import('../../lib/cli/table.ts'),
    ]);
    const list = (await operatorClient(await this.site()).call('list')) as HomesList;
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
