import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class RfsRollback extends BaseCommand<typeof RfsRollback> {
  static override summary = 'let machines boot an earlier version again';
  static override description =
    'Whatever they ran before is still on every RFS; the switch is one row. Machines that run are not touched.';
  static override examples = ['<%= config.bin %> rfs rollback', '<%= config.bin %> rfs rollback 7'];
  static override args = {
    version: Args.integer({ description: 'which one; none: the one before', min: 1 }),
  };

  async run() {
    const [{ listBoots, listVersions, switchBoots }, { chooseRollback }] = await Promise.all([
      import('../../lib/rfs/table.ts'),
      import('../../lib/rfs/rollback.ts'),
    ]);
    const store = await this.store();
    const boots = await listBoots(store.knex);
    const versions = (await listVersions(store.knex)).map(({ version }) => version);
    const version = chooseRollback(versions, boots, this.args.version);
    const rfs = boots.map((record) => record.rfs);
    await switchBoots(store, this.actor, { rfs, version });
    this.log(`version ${version}: booted from now on by the machines of rfs ${rfs.join(', ')}`);
    return { version, rfs };
  }
}
