import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class DoctorLook extends BaseCommand<typeof DoctorLook> {
  static override summary = 'what this machine itself can see; `prolo doctor --from` runs it over there';
  static override description =
    'What to look at comes on standard input, as `prolo doctor --from` writes it.';
  static override hidden = true;
  static override flags = {
    only: Flags.string({ description: 'this check alone; may be repeated', multiple: true }),
  };

  async run() {
    const [{ readInput }, { lookHere }, { describeOutcomes }, { parseOrder }] = await Promise.all([
      import('../../lib/cli/input.ts'),
      import('../../lib/doctor/seat/look.ts'),
      import('../../lib/doctor/show.ts'),
      import('../../lib/doctor/seat/order.ts'),
    ]);
    const checks = await lookHere(parseOrder(await readInput('-')), this.flags.only ?? []);
    this.log(describeOutcomes(checks, process.stdout));
    return { checks };
  }
}
