import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class RfsRollback extends BaseCommand<typeof RfsRollback> {
  static override summary = 'let machines boot an earlier version again';
  static override description =
    'Whatever they ran before is still on every RFS; the switch is one row. Machines that run are not touched.';
  static override examples = ['<%= config.bin %> rfs rollback', '<%= config.bin %> rfs rollback 7'];
  static override args = {
    version: Args.integer({ description: 'which one; none: ends a trial, or the one before', min: 1 }),
  };

  async run() {
    const { rollback } = await import('../../lib/rfs/rollback.ts');
    const done = await rollback(await this.store(), this.actor, this.args.version);
    if ('trialOf' in done)
      this.log(`version ${done.trialOf}: tried by nobody any more; all boot what they did before`);
    else
      this.log(`version ${done.version}: booted from now on by the machines of rfs ${done.rfs.join(', ')}`);
    return done;
  }
}
