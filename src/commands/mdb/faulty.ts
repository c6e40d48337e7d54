import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class MdbFaulty extends BaseCommand<typeof MdbFaulty> {
  static override description = 'mark machines as faulty: they show the reason instead of booting';
  static override examples = [
    '<%= config.bin %> mdb faulty pas-r01p01 --reason "no keyboard"',
    '<%= config.bin %> mdb faulty "pas-r03p[01-08]" --reason "dead switch"',
    '<%= config.bin %> mdb faulty @faulty --clear',
  ];
  static override args = { machines: Args.string({ description: 'which: a node set', required: true }) };
  static override flags = {
    reason: Flags.string({
      description: 'what people at the machine read',
      helpValue: 'TEXT',
      exclusive: ['clear'],
    }),
    clear: Flags.boolean({ description: 'they work again' }),
  };

  async run() {
    const [{ changeMachines }, { selectMachines }, { toRecord }] = await Promise.all([
      import('../../lib/mdb/machines.ts'),
      import('../../lib/mdb/select.ts'),
      import('../../lib/mdb/record.ts'),
    ]);
    const { clear, reason } = this.flags;
    const input = { is_faulty: !clear, ...(reason === undefined ? {} : { is_faulty_details: reason }) };
    const { config } = await this.site();
    const plan = await changeMachines(await this.store(), config, this.actor, (current) => ({
      wishes: selectMachines([this.args.machines], current, { nonEmpty: true }).map((machine) => ({
        machine,
        input,
      })),
    }));
    const machines = plan.update.map(({ after }) => after);
    for (const { hostname, is_faulty_details: details } of machines)
      this.log(`${hostname}: ${clear ? 'not faulty' : `faulty${details ? `: ${details}` : ''}`}`);
    if (machines.length === 0) this.note('nothing changed');
    return machines.map(toRecord);
  }
}
