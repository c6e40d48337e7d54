import { BaseCommand } from '../../base-command.ts';

export default class RfsStatus extends BaseCommand<typeof RfsStatus> {
  static override description = 'versions of the root filesystem, and which RFS’s machines boot which';
  static override examples = ['<%= config.bin %> rfs status'];

  async run() {
    const [{ listBoots, listVersions }, { table }, { describeBoots }] = await Promise.all([
      import('../../lib/rfs/table.ts'),
      import('../../lib/cli/table.ts'),
      import('../../lib/rfs/describe.ts'),
    ]);
    const { knex } = await this.store();
    const [versions, boots] = [await listVersions(knex), await listBoots(knex)];
    const rows = versions.map(({ version, at, by, kernelVersion, files, message }) => [
      version,
      at.slice(0, 16).replace('T', ' '),
      `${Math.ceil(files['root.img'].bytes / 1e6)} MB`,
      kernelVersion,
      describeBoots(version, boots),
      by,
      message,
    ]);
    this.log(
      versions.length > 0
        ? table(['version', 'made', 'image', 'kernel', 'booted by', 'by', 'message'], rows)
        : 'no version yet: `prolo rfs commit` makes the first one',
    );
    return { versions, boots };
  }
}
