import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class MdbExport extends BaseCommand<typeof MdbExport> {
  static override description = 'write machines as a spreadsheet that `mdb import` reads back unchanged';
  static override examples = [
    '<%= config.bin %> mdb export > machines.csv',
    '<%= config.bin %> mdb export @room:pasteur --format yaml',
  ];
  static override enableJsonFlag = true;
  static override args = { machines: Args.string({ description: 'a node set; none: all machines' }) };
  static override flags = {
    format: Flags.string({ description: 'of the file', options: ['csv', 'yaml'], default: 'csv' }),
  };

  async run() {
    const [{ readMachines }, { writeSheet }, { selectMachines }] = await Promise.all([
      import('../../lib/mdb/source.ts'),
      import('../../lib/mdb/spreadsheet.ts'),
      import('../../lib/mdb/select.ts'),
    ]);
    const all = await readMachines(await this.site(), () => this.store());
    const machines = this.args.machines ? selectMachines([this.args.machines], all) : all;
    if (!this.jsonEnabled()) process.stdout.write(writeSheet(machines, this.flags.format as 'csv' | 'yaml'));
    return machines;
  }
}
