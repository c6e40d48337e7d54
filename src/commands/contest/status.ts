import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class ContestStatus extends BaseCommand<typeof ContestStatus> {
  static override summary = 'whether the contest runs, and who has not done yet what that means';
  static override description = `The exit status is 1 when a consumer lags, is silent, or cannot do it.

With --probe these machines try to reach contest.probe of prolo.yml, each from its own seat, by SSH: what they find must be what it should be.`;
  static override examples = [
    '<%= config.bin %> contest status',
    '<%= config.bin %> contest status --probe pas-r01p01',
    '<%= config.bin %> contest status --probe @logged-in',
  ];
  static override flags = {
    probe: Flags.string({
      description: 'machines that try the internet: a node set; may be repeated',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'SELECTION',
    }),
  };

  async run() {
    const [{ readFacts }, { isWell, judgeContest }, { describeStatus }] = await Promise.all([
      import('../../lib/contest/facts.ts'),
      import('../../lib/contest/status.ts'),
      import('../../lib/contest/describe.ts'),
    ]);
    const site = await this.site();
    const facts = await readFacts(await this.store(), site.config);
    const now = new Date();
    const status = judgeContest(facts, now);
    this.log(describeStatus(status, now));
    if (!isWell(status)) process.exitCode = 1;
    if (!this.flags.probe) return status;
    const [{ chooseMachines }, { probeSeats }, { isRight }, { describeProbes }] = await Promise.all([
      import('../../lib/ssh/choose.ts'),
      import('../../lib/contest/probe-seats.ts'),
      import('../../lib/contest/probe.ts'),
      import('../../lib/contest/describe.ts'),
    ]);
    const machines = await chooseMachines(site, () => this.store(), { words: this.flags.probe });
    const probes = await probeSeats(site, facts, machines);
    this.log(`\n${describeProbes(probes)}`);
    if (!probes.every(isRight)) process.exitCode = 1;
    return { ...status, probes };
  }
}
