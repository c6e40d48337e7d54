import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class MdbFaulty extends BaseCommand<typeof MdbFaulty> {
  static override description = 'mark a machine as faulty: it shows the reason instead of booting';
  static override examples = [
    '<%= config.bin %> mdb faulty pas-r01p01 --reason "no keyboard"',
    '<%= config.bin %> mdb faulty pas-r01p01 --clear',
  ];
  static override args = { machine: Args.string({ description: 'hostname, alias or MAC', required: true }) };
  static override flags = {
    reason: Flags.string({
      description: 'what people at the machine read',
      helpValue: 'TEXT',
      exclusive: ['clear'],
    }),
    clear: Flags.boolean({ description: 'it works again' }),
  };

  async run() {
    const [{ updateMachine }, { toRecord }] = await Promise.all([
      import('../../lib/mdb/machines.ts'),
      import('../../lib/mdb/record.ts'),
    ]);
    const { clear, reason } = this.flags;
    const input = { is_faulty: !clear, ...(reason === undefined ? {} : { is_faulty_details: reason }) };
    const machine = await updateMachine(
      await this.store(),
      (await this.site()).config,
      this.actor,
      this.args.machine,
      input,
    );
    this.log(
      `${machine.hostname}: ${machine.is_faulty ? `faulty${machine.is_faulty_details ? `: ${machine.is_faulty_details}` : ''}` : 'not faulty'}`,
    );
    return toRecord(machine);
  }
}
