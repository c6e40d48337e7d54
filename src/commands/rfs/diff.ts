import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class RfsDiff extends BaseCommand<typeof RfsDiff> {
  static override summary = 'packages and files that differ between two versions, or a version and staging';
  static override description = `Without words: from the newest version that is booted to staging, which is what the next commit would bring. Files of packages \
that differ are counted only. Contents are compared where size and time cannot tell, as far as that is quickly done.`;
  static override examples = [
    '<%= config.bin %> rfs diff',
    '<%= config.bin %> rfs diff finals 9 --packages',
    '<%= config.bin %> rfs diff 8 staging --files',
  ];
  static override args = {
    from: Args.string({ description: 'number, tag or staging' }),
    to: Args.string({ description: 'number, tag or staging; default: staging' }),
  };
  static override flags = {
    packages: Flags.boolean({ description: 'packages only' }),
    files: Flags.boolean({ description: 'every file, those of packages too' }),
  };

  async run() {
    const [{ diffRfs }, { describeDiff }, { listTags, resolveVersion }, { listBoots, listVersions }, errors] =
      await Promise.all([
        import('../../lib/rfs/diff-run.ts'),
        import('../../lib/rfs/describe-diff.ts'),
        import('../../lib/rfs/tag.ts'),
        import('../../lib/rfs/table.ts'),
        import('../../lib/errors.ts'),
      ]);
    const store = await this.store();
    const { from, to = 'staging' } = this.args;
    const tags = await listTags(store.knex);
    const name = (word: string) => (word === 'staging' ? 'staging' : resolveVersion(tags, word));
    const booted = (await listBoots(store.knex)).map(({ version }) => version);
    const all = booted.length > 0 ? booted : (await listVersions(store.knex)).map(({ version }) => version);
    if (from === undefined && all.length === 0)
      throw new errors.ProloError('not-found', 'version: there is none yet', {
        hint: '`prolo rfs commit` makes the first one',
      });
    const start = from === undefined ? Math.max(...all) : name(from);
    const diff = await diffRfs(await this.site(), store, start, name(to));
    const { packages, files } = this.flags;
    if (!this.jsonEnabled())
      for (const line of describeDiff(diff, {
        packages: packages || !files,
        files: files || !packages,
        all: files,
      }))
        this.log(line);
    const { folded, ...result } = diff;
    return { ...result, ofPackages: folded.ofPackages };
  }
}
