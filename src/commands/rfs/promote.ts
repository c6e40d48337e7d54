import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class RfsPromote extends BaseCommand<typeof RfsPromote> {
  static override summary = 'let all machines boot a version that some have tried';
  static override description =
    'Also what to do when a server did not have a version at its commit: what was broken off goes on where it was.';
  static override examples = [
    '<%= config.bin %> rfs promote',
    '<%= config.bin %> rfs promote 8 --partial',
    '<%= config.bin %> rfs promote finals',
  ];
  static override args = {
    version: Args.string({
      description: 'which one, by number or tag; none: the one that is tried, else the newest',
    }),
  };
  static override flags = {
    partial: Flags.boolean({ description: 'without those RFS that do not have it' }),
  };

  async run() {
    const [{ promote }, { describePublished }, { listTags, resolveVersion }] = await Promise.all([
      import('../../lib/rfs/promote.ts'),
      import('../../lib/rfs/describe-publish.ts'),
      import('../../lib/rfs/tag.ts'),
    ]);
    const store = await this.store();
    const { version: word } = this.args;
    const wanted = word === undefined ? undefined : resolveVersion(await listTags(store.knex), word);
    const promoted = await promote(await this.site(), store, wanted, {
      partial: this.flags.partial,
      actor: this.actor,
      onStep: (where, what) => this.note(`${where}: ${what}`),
    });
    this.log(describePublished(promoted));
    if (promoted.failed.length > 0) process.exitCode = 1;
    return promoted;
  }
}
