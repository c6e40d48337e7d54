import { BaseCommand } from '../../base-command.ts';

export default class MdbPool extends BaseCommand<typeof MdbPool> {
  static override description =
    'show the address pools and how full they are (they are set under `pools` in prolo.yml)';
  static override examples = ['<%= config.bin %> mdb pool'];

  async run() {
    const [{ poolUse }, { readMachines }, { table }] = await Promise.all([
      import('../../lib/mdb/allocate.ts'),
      import('../../lib/mdb/source.ts'),
      import('../../lib/cli/table.ts'),
    ]);
    const site = await this.site();
    const pools = poolUse(
      site.config,
      (await readMachines(site, () => this.store())).map(({ ip }) => ip),
    );
    this.log(
      table(
        ['mtype', 'range', 'shares', 'size', 'used', 'free'],
        pools.map((p) => [p.mtype, p.range, p.shares, p.size, p.used, p.free]),
      ),
    );
    return pools;
  }
}
