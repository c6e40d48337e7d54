import { Flags } from '@oclif/core';
import { DestructiveCommand } from '../../destructive-command.ts';

export default class ContestStop extends DestructiveCommand<typeof ContestStop> {
  static override summary = 'end the contest, or call off one that has not begun';
  static override description = `What \`prolo contest start\` took comes back: the internet of contestants, self-registration where the setting allows it; the
contest's services are stopped. With --at each consumer does so by its own clock.`;
  static override examples = ['<%= config.bin %> contest stop', '<%= config.bin %> contest stop --at 22:00'];
  static override flags = {
    at: Flags.string({ description: 'when; without it at once', helpValue: 'TIME' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
    'dry-run': Flags.boolean({ char: 'n', description: 'show what would change' }),
  };

  async run() {
    const [{ prepareChange }, { planContest }, { describeMode }, { phaseAt }, { confirm }] =
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
      'stop',
      this.flags.at,
    );
    const plan = planContest(facts);
    const soon = describeMode(mode, phaseAt(mode, Date.now()));
    if (this.flags['dry-run']) {
      this.log(`${soon}, if it is stopped`);
      return { mode, plan };
    }
    const question = `${soon}: ${plan.closed.length} machine(s) get the internet back. Stop?`;
    if (!(await confirm(question, this.flags.yes))) return { mode: facts.mode, plan };
    const written = await write();
    this.log(
      `${describeMode(written, phaseAt(written, Date.now()))}; \`prolo contest status\` says who has done it`,
    );
    return { mode: written, plan };
  }
}
