import { Args, Flags } from '@oclif/core';
import { DestructiveCommand } from '../../destructive-command.ts';

export default class MdbRm extends DestructiveCommand<typeof MdbRm> {
  static override description = 'remove machines';
  static override examples = [
    '<%= config.bin %> mdb rm pas-r01p01',
    '<%= config.bin %> mdb rm "@room:alt!alt-r01p01" --dry-run',
  ];
  static override args = { machines: Args.string({ description: 'which: a node set', required: true }) };
  static override flags = {
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
    'dry-run': Flags.boolean({ description: 'show what would be removed' }),
  };

  async run() {
    const [
      { listMachines, changeMachines },
      { selectMachines },
      { foldNodeset },
      { describePlan, summarizePlan },
      { confirm },
      { toRecord },
    ] = await Promise.all([
      import('../../lib/mdb/machines.ts'),
      import('../../lib/mdb/select.ts'),
      import('../../lib/nodeset.ts'),
      import('../../lib/mdb/describe.ts'),
      import('../../lib/cli/confirm.ts'),
      import('../../lib/mdb/record.ts'),
    ]);
    const { config } = await this.site();
    const store = await this.store();
    const chosen = selectMachines([this.args.machines], await listMachines(store.knex));
    const names = chosen.map(({ hostname }) => hostname);
    const dryRun = this.flags['dry-run'];
    if (
      !dryRun &&
      !(await confirm(`remove ${chosen.length} machine(s): ${foldNodeset(names)}?`, this.flags.yes))
    )
      return [];
    const ids = new Set(chosen.map(({ id }) => id));
    const plan = await changeMachines(
      store,
      config,
      this.actor,
      (current) => ({ remove: current.filter(({ id }) => ids.has(id)) }),
      dryRun,
    );
    for (const line of describePlan(plan)) this.log(line);
    this.note(summarizePlan(plan, dryRun));
    return plan.remove.map(toRecord);
  }
}
