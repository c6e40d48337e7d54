import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';

export default class Up extends BaseCommand<typeof Up> {
  static override description = "run all of the site's daemons in this process, until a signal ends them";
  static override examples = ['<%= config.bin %> up', '<%= config.bin %> up --config demo/prolo.yml'];
  static override enableJsonFlag = false;
  static override flags = {
    'keep-homes': Flags.boolean({ description: 'leave homes served at the end, for the next start to find' }),
  };

  async run(): Promise<void> {
    const [{ runDaemons }, { upNames }, { table }, { thisProgram }, { relative }] = await Promise.all([
      import('../daemons/run.ts'),
      import('../daemons/registry.ts'),
      import('../lib/cli/table.ts'),
      import('../lib/cli/program.ts'),
      import('node:path'),
    ]);
    const site = await this.site();
    const { daemons, ended } = await runDaemons(
      site,
      upNames(site.config),
      Boolean(this.flags['keep-homes']),
    );
    const address = (service: string): string => daemons.find(({ name }) => name === service)?.url ?? '';
    const program = thisProgram(process.argv[1], process.cwd());
    const config = relative(process.cwd(), site.file);
    this.log(`site ${site.config.name} (${site.file})\n`);
    this.log(
      table(
        ['daemon', 'address'],
        daemons.map(({ name, url }) => [name, url ?? 'follows its feed']),
      ),
    );
    this.log(`
try, in another terminal:
  ${program} mdb list @room:pasteur --config ${config}
  ${program} feed tail mdb --config ${config}
  ${program} mdb add --hostname new --mac 52:54:00:12:34:56 --config ${config}
  curl ${address('mdb')}/call/query
  ${address('mdb')}/docs in a browser

ready`);
    await ended;
  }
}
