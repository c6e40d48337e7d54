import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class RfsRollback extends BaseCommand<typeof RfsRollback> {
  static override summary = 'let machines boot an earlier version again';
  static override description = `Every RFS has proved that it has it, so none is asked: the switch is one row. Machines that run are not touched.`;
  static override examples = ['<%= config.bin %> rfs rollback', '<%= config.bin %> rfs rollback finals'];
  static override args = {
    version: Args.string({
      description: 'which one, by number or tag; none: ends a trial, or the one before',
    }),
  };
  static override flags = {
    partial: Flags.boolean({ description: 'without those RFS that do not have it' }),
  };

  async run() {
    const [{ rollback }, { listTags, resolveVersion }] = await Promise.all([
      import('../../lib/rfs/rollback.ts'),
      import('../../lib/rfs/tag.ts'),
    ]);
    const store = await this.store();
    const { version: word } = this.args;
    const wanted = word === undefined ? undefined : resolveVersion(await listTags(store.knex), word);
    const done = await rollback(store, this.actor, wanted, this.flags.partial);
    if ('trialOf' in done)
      this.log(`version ${done.trialOf}: tried by nobody any more; all boot what they did before`);
    else
      this.log(`version ${done.version}: booted from now on by the machines of rfs ${done.rfs.join(', ')}`);
    for (const { rfs } of done.lacking) this.note(`rfs ${rfs} does not have it, and stays as it is`);
    return done;
  }
}
