import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import { machineFlags, machineInput } from '../../lib/mdb/flags.ts';

export default class MdbSet extends BaseCommand<typeof MdbSet> {
  static override description = 'change fields of machines';
  static override examples = [
    '<%= config.bin %> mdb set pas-r01p01 --mac 52:54:00:65:43:21',
    '<%= config.bin %> mdb set pas-r[01-06]p[01-08] --rfs 2 --hfs 2 --dry-run',
    '<%= config.bin %> mdb set @room:alt --room pasteur',
  ];
  static override args = { machines: Args.string({ description: 'which: a node set', required: true }) };
  static override flags = {
    hostname: Flags.string({ description: 'a new name (one machine only)', helpValue: 'H' }),
    ...machineFlags,
    'dry-run': Flags.boolean({ description: 'show what would change' }),
  };

  async run() {
    const [
      { changeMachines },
      { selectMachines },
      { describePlan, summarizePlan },
      { ProloError },
      { toRecord },
    ] = await Promise.all([
      import('../../lib/mdb/machines.ts'),
      import('../../lib/mdb/select.ts'),
      import('../../lib/mdb/describe.ts'),
      import('../../lib/errors.ts'),
      import('../../lib/mdb/record.ts'),
    ]);
    const { hostname } = this.flags;
    const input = { ...(hostname === undefined ? {} : { hostname }), ...machineInput(this.flags) };
    if (Object.keys(input).length === 0)
      throw new ProloError('bad-input', 'mdb set: nothing to set', { hint: 'name a field, such as --rfs 2' });
    const { config } = await this.site();
    const dryRun = this.flags['dry-run'];
    const decide = (current: Parameters<Parameters<typeof changeMachines>[3]>[0]) => ({
      wishes: selectMachines([this.args.machines], current).map((machine) => ({ machine, input })),
    });
    const plan = await changeMachines(await this.store(), config, this.actor, decide, dryRun);
    for (const line of describePlan(plan)) this.log(line);
    this.note(summarizePlan(plan, dryRun));
    return plan.update.map(({ before, after }) => ({ before: toRecord(before), after: toRecord(after) }));
  }
}
