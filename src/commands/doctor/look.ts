import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class DoctorLook extends BaseCommand<typeof DoctorLook> {
  static override summary = 'what this machine itself can see; `prolo doctor --from` runs it over there';
  static override description =
    'What to look at comes on standard input, as `prolo doctor --from` writes it.';
  static override hidden = true;
  static override flags = {
    only: Flags.string({ description: 'this check alone; may be repeated', multiple: true }),
    seat: Flags.string({ description: "this login's session here, and nothing else", helpValue: 'LOGIN' }),
    'until-gone': Flags.boolean({ description: 'wait until nothing of it is left', dependsOn: ['seat'] }),
  };

  async run() {
    if (this.flags.seat !== undefined) {
      const { viewSeat } = await import('../../lib/doctor/login/at-seat.ts');
      const view = await viewSeat(await this.site(), this.flags.seat, this.flags['until-gone']);
      this.log(JSON.stringify(view));
      return view;
    }
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
