import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class RfsStatus extends BaseCommand<typeof RfsStatus> {
  static override summary =
    'versions of the root filesystem: which server has which, which machine runs which';
  static override description = `Servers are asked what they have, for at most 4 s; machines have said what they run.`;
  static override examples = ['<%= config.bin %> rfs status', '<%= config.bin %> rfs status --no-servers'];
  static override flags = {
    servers: Flags.boolean({
      description: 'ask each RFS which versions it has; else what it proved before counts',
      allowNo: true,
      default: true,
    }),
  };

  async run() {
    const [{ readStatus }, { describeStatus }] = await Promise.all([
      import('../../lib/rfs/gather.ts'),
      import('../../lib/rfs/describe.ts'),
    ]);
    const status = await readStatus(await this.site(), await this.store(), this.flags.servers);
    this.log(describeStatus(status, process.stdout));
    return status;
  }
}
