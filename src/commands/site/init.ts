import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class SiteInit extends BaseCommand<typeof SiteInit> {
  static override description =
    'make a site that needs nothing outside its folder: config, secrets, database';
  static override examples = [
    '<%= config.bin %> site init demo --sample',
    '<%= config.bin %> site init /etc/prolo --name finals',
  ];
  static override args = {
    dir: Args.string({ description: 'the folder, made if it is not there', required: true }),
  };
  static override flags = {
    name: Flags.string({ description: "the site's name", helpValue: 'NAME', default: 'prolo' }),
    'port-base': Flags.integer({
      description: "the first of the services' ports",
      helpValue: 'N',
      default: 20000,
      min: 1024,
      max: 65000,
    }),
    sample: Flags.boolean({ description: 'fill it: 140 machines in two rooms, 10 switches, 120 users' }),
  };

  async run() {
    const [{ initSite, loopbackDraft }, { sampleDraft }, { fillSite }] = await Promise.all([
      import('../../lib/site/init.ts'),
      import('../../lib/site/sample.ts'),
      import('../../lib/site/fill.ts'),
    ]);
    const { name, sample } = this.flags;
    const draft = { ...loopbackDraft(name, this.flags['port-base']), ...(sample ? sampleDraft : {}) };
    const { site, filled: counts } = await initSite(this.args.dir, draft, (made) =>
      fillSite(made, sample, this.actor),
    );
    this.log(`site ${name}: ${site.file}`);
    if (sample) this.log(`${counts.machines} machines, ${counts.switches} switches, ${counts.users} users`);
    this.log(`run it: prolo up --config ${site.file}`);
    return { file: site.file, ...counts };
  }
}
