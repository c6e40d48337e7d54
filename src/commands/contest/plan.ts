import { BaseCommand } from '../../base-command.ts';

export default class ContestPlan extends BaseCommand<typeof ContestPlan> {
  static override description =
    'what a contest changes, for how many people and machines; nothing is changed';
  static override examples = ['<%= config.bin %> contest plan'];

  async run() {
    const [{ readFacts }, { describePlan, planContest }, { describeMode }, { phaseAt }] = await Promise.all([
      import('../../lib/contest/facts.ts'),
      import('../../lib/contest/plan.ts'),
      import('../../lib/contest/describe.ts'),
      import('../../lib/contest/mode.ts'),
    ]);
    const facts = await readFacts(await this.store(), (await this.site()).config);
    const plan = planContest(facts, Date.now());
    const phase = phaseAt(facts.mode, Date.now());
    this.log(describeMode(facts.mode, phase));
    for (const line of describePlan(plan, phase)) this.log(line);
    return { phase, ...plan };
  }
}
