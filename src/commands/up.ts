import { BaseCommand } from '../base-command.ts';

export default class Up extends BaseCommand<typeof Up> {
  static override description = "run all of the site's daemons in this process";
  static override examples = ['<%= config.bin %> up', '<%= config.bin %> up --config demo/prolo.yml'];
  static override enableJsonFlag = false;

  async run(): Promise<void> {
    const [{ runDaemons }, { DAEMON_NAMES }, { table }] = await Promise.all([
      import('../daemons/run.ts'),
      import('../daemons/registry.ts'),
      import('../lib/cli/table.ts'),
    ]);
    const site = await this.site();
    const { daemons, ended } = await runDaemons(site, DAEMON_NAMES);
    this.log(`site ${site.config.name} (${site.file})\n`);
    this.log(table(['daemon', 'address'], daemons.map(({ name, url }) => [name, url ?? 'follows its feed'])));
    this.log('\nready');
    await ended;
  }
}
