import { BaseCommand } from '../../base-command.ts';

export default class ContestStatus extends BaseCommand<typeof ContestStatus> {
  static override summary = 'whether the contest runs, and who has not done yet what that means';
  static override description = `The exit status is 1 when a consumer lags, is silent, or cannot do it.`;
  static override examples = ['<%= config.bin %> contest status'];

  async run() {
    const [{ readFacts }, { isWell, judgeContest }, { describeStatus }] = await Promise.all([
      import('../../lib/contest/facts.ts'),
      import('../../lib/contest/status.ts'),
      import('../../lib/contest/describe.ts'),
    ]);
    const facts = await readFacts(await this.store(), (await this.site()).config);
    const now = new Date();
    const status = judgeContest(facts, now);
    this.log(describeStatus(status, now));
    if (!isWell(status)) process.exitCode = 1;
    return status;
  }
}
