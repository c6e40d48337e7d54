import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class DoctorSso extends BaseCommand<typeof DoctorSso> {
  static override summary = 'why pages do not know who sits at an address';
  static override description = `The links from an address to a login, one after the other, up to the first that is broken: MDB, sso, presencesync, and the page.`;
  static override examples = [
    '<%= config.bin %> doctor sso 192.168.0.17',
    '<%= config.bin %> doctor sso pas-r01p03 --page http://concours/',
  ];
  static override args = {
    seat: Args.string({ description: 'an address, or a machine of MDB', required: true }),
  };
  static override flags = {
    page: Flags.string({
      description: 'a page that is to know who asks; it is asked from here',
      helpValue: 'URL',
    }),
  };

  async run() {
    const [{ walkSsoAt }, { describeOutcomes, exitStatus }] = await Promise.all([
      import('../../lib/doctor/doctor.ts'),
      import('../../lib/doctor/show.ts'),
    ]);
    const outcome = await walkSsoAt(await this.site(), this.args.seat, this.flags.page);
    this.log(describeOutcomes([outcome], process.stdout));
    process.exitCode = exitStatus([outcome]);
    return outcome;
  }
}
