import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class MdbShow extends BaseCommand<typeof MdbShow> {
  static override description = 'show one machine, named by hostname, alias, MAC or address';
  static override examples = [
    '<%= config.bin %> mdb show pas-r01p01',
    '<%= config.bin %> mdb show 52:54:00:12:34:56 --json',
  ];
  static override args = {
    machine: Args.string({ description: 'hostname, alias, MAC or address', required: true }),
  };

  async run() {
    const [{ readMachines }, { findMachine }, { printable }, { MACHINE_FIELDS }] = await Promise.all([
      import('../../lib/mdb/source.ts'),
      import('../../lib/mdb/find.ts'),
      import('../../lib/cli/table.ts'),
      import('../../lib/mdb/record.ts'),
    ]);
    const machine = findMachine(await readMachines(await this.site(), () => this.store()), this.args.machine);
    for (const field of MACHINE_FIELDS) this.log(`${field.padEnd(18)} ${printable(machine[field])}`);
    return machine;
  }
}
