import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class RfsConfigure extends BaseCommand<typeof RfsConfigure> {
  static override summary = 'put into staging what a machine of this site needs';
  static override description = `Prolo with its Node, this site's config and the secrets of a seat, the services of a PC, the hook at login, limits, traffic \
shaping, clock and SSH. \`rfs init\` does it too; do it again when prolo.yml or prolo itself has changed. Only what differs is \
written, and printed; the next \`rfs commit\` brings it to the machines.`;
  static override examples = ['<%= config.bin %> rfs configure', '<%= config.bin %> rfs configure --dry-run'];
  static override flags = {
    'dry-run': Flags.boolean({ description: 'say what would change, and change nothing' }),
  };

  async run() {
    const [{ configureRoot }, { mustHaveStaging, withStaging }] = await Promise.all([
      import('../../lib/rfs/root/configure.ts'),
      import('../../lib/rfs/staging.ts'),
    ]);
    const site = await this.site();
    mustHaveStaging(site);
    const dryRun = this.flags['dry-run'];
    const changed = await withStaging(site, `${this.actor}: rfs configure`, (tree) =>
      configureRoot(site, tree, { dryRun }),
    );
    // Prolo's own files are thousands, and change together.
    const own = changed.filter((path) => path.startsWith('usr/lib/prolo/')).length;
    for (const path of changed) if (!path.startsWith('usr/lib/prolo/')) this.log(path);
    if (own > 0) this.log(`usr/lib/prolo: ${own} files`);
    if (changed.length === 0) this.note('staging has all that a machine of this site needs');
    return { changed, dryRun };
  }
}
