import { Flags } from '@oclif/core';
import { DestructiveCommand } from '../../destructive-command.ts';

export default class RfsPrune extends DestructiveCommand<typeof RfsPrune> {
  static override summary = 'remove versions that nobody needs, from every server and the gateway';
  static override description = `Stays: what is booted or tried, what a machine ran within 24 hours, what has a tag, and the newest. A server that does not answer \
is told by the next run. The number of a version is never given again.`;
  static override examples = [
    '<%= config.bin %> rfs prune --dry-run',
    '<%= config.bin %> rfs prune --keep 3 --yes',
    '<%= config.bin %> rfs prune 4 5',
  ];
  static override strict = false;
  static override usage = '<%= command.id %> [VERSION…] [--keep N] [--dry-run] [--yes]';
  static override flags = {
    keep: Flags.integer({
      description: 'how many of the newest stay; default: rfs.keep of prolo.yml',
      min: 1,
      helpValue: 'N',
    }),
    'dry-run': Flags.boolean({ description: 'say what would go, and why the rest stays' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
  };

  async run() {
    const [{ prune, readPrunePlan }, { listTags, resolveVersion }, { confirm }] = await Promise.all([
      import('../../lib/rfs/prune.ts'),
      import('../../lib/rfs/tag.ts'),
      import('../../lib/cli/confirm.ts'),
    ]);
    const [site, store] = [await this.site(), await this.store()];
    const tags = this.words.length > 0 ? await listTags(store.knex) : [];
    const words = this.words.map((word) => resolveVersion(tags, word));
    const keep = this.flags.keep ?? site.config.rfs.keep;
    const plan = await readPrunePlan(store, keep, words.length > 0 ? words : undefined);
    for (const { version, why } of plan.kept) this.note(`version ${version} stays: ${why}`);
    const what = plan.prune.length === 1 ? `version ${plan.prune[0]}` : `versions ${plan.prune.join(', ')}`;
    if (this.flags['dry-run']) {
      this.log(plan.prune.length > 0 ? `${what} would be removed` : 'no version would be removed');
      return { ...plan, removed: [], done: false };
    }
    if (plan.prune.length > 0 && !(await confirm(`remove ${what} for good?`, this.flags.yes)))
      return { ...plan, removed: [], done: false };
    const removed = await prune(site, store, this.actor, plan.prune);
    for (const { hostname, versions, trouble } of removed)
      this.note(
        trouble === undefined
          ? `${hostname}: ${versions.join(', ')} removed`
          : `${trouble}: the next \`prolo rfs prune\` removes them there`,
      );
    if (plan.prune.length > 0) this.log(`${what}: gone`);
    else this.log(removed.length > 0 ? 'removed what was left from before' : 'nothing to remove');
    if (removed.some(({ trouble }) => trouble !== undefined)) process.exitCode = 1;
    return { ...plan, removed, done: true };
  }
}
