import { Flags } from '@oclif/core';
import { DestructiveCommand } from '../../destructive-command.ts';

export default class ContestStart extends DestructiveCommand<typeof ContestStart> {
  static override summary = 'start the contest, at once or at a time';
  static override description = `Contestants lose the internet, the contest's services run, no machine registers itself. \`prolo contest stop\` restores what was.
With --at each consumer does so by its own clock, also when the gateway's daemons are down at that time.`;
  static override examples = [
    '<%= config.bin %> contest start --dry-run',
    '<%= config.bin %> contest start --at 10:00',
    '<%= config.bin %> contest start --yes',
  ];
  static override flags = {
    at: Flags.string({ description: 'when; without it at once', helpValue: 'TIME' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
    'dry-run': Flags.boolean({ char: 'n', description: 'show what would change' }),
  };

  async run() {
    const [{ prepareChange }, { describePlan, planContest }, { describeMode }, { phaseAt }, { confirm }] =
      await Promise.all([
        import('../../lib/contest/change.ts'),
        import('../../lib/contest/plan.ts'),
        import('../../lib/contest/describe.ts'),
        import('../../lib/contest/mode.ts'),
        import('../../lib/cli/confirm.ts'),
      ]);
    const store = await this.store();
    const { facts, mode, write } = await prepareChange(
      await this.site(),
      store,
      this.actor,
      'start',
      this.flags.at,
    );
    const plan = planContest(facts);
    for (const line of describePlan(plan, 'off')) this.note(line);
    const soon = describeMode(mode, phaseAt(mode, Date.now()));
    if (this.flags['dry-run']) {
      this.log(`${soon}, if it is started`);
      return { mode, plan };
    }
    const question = `${soon}: ${plan.closed.length} machine(s) lose the internet. Start?`;
    if (!(await confirm(question, this.flags.yes))) return { mode: facts.mode, plan };
    const written = await write();
    this.log(
      `${describeMode(written, phaseAt(written, Date.now()))}; \`prolo contest status\` says who has done it`,
    );
    return { mode: written, plan };
  }
}
