import { BaseCommand } from '../../../base-command.ts';

export default class MdbSwitchList extends BaseCommand<typeof MdbSwitchList> {
  static override description = 'list the switches';
  static override examples = ['<%= config.bin %> mdb switch list'];

  async run() {
    const [{ readSwitches }, { table }] = await Promise.all([
      import('../../../lib/mdb/source.ts'),
      import('../../../lib/cli/table.ts'),
    ]);
    const switches = await readSwitches(await this.site(), () => this.store());
    this.log(
      table(
        ['name', 'chassis', 'rfs', 'hfs', 'room'],
        switches.map((s) => [s.name, s.chassis, s.rfs, s.hfs, s.room]),
      ),
    );
    return switches;
  }
}
