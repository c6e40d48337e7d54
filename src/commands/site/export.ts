import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import { ROLES } from '../../lib/site/export.ts';

export default class SiteExport extends BaseCommand<typeof SiteExport> {
  static override description =
    'write the config of one host, with the secrets that its role needs and no others';
  static override examples = [
    '<%= config.bin %> site export --role rhfs --host rhfs01 --out rhfs01/',
    '<%= config.bin %> site export --role web',
  ];
  static override flags = {
    role: Flags.string({ description: 'what the host is', options: ROLES, required: true }),
    host: Flags.string({ description: 'its hostname, which must be in MDB', helpValue: 'H' }),
    out: Flags.string({
      description: 'the folder for prolo.yml and secrets.yml; left out: ./<host or role>',
      helpValue: 'DIR',
    }),
  };

  async run() {
    const [{ writeExport }, { resolve }] = await Promise.all([
      import('../../lib/site/export.ts'),
      import('node:path'),
    ]);
    const site = await this.site();
    const { host, role } = this.flags;
    if (host !== undefined) {
      const [{ readMachines }, { findMachine }] = await Promise.all([
        import('../../lib/mdb/source.ts'),
        import('../../lib/mdb/find.ts'),
      ]);
      findMachine(await readMachines(site, () => this.store()), host);
    }
    const dir = resolve(this.flags.out ?? host ?? role);
    const secrets = await writeExport(site, role, dir);
    if (role !== 'gw' && /127\.|localhost/.test(site.config.serviceUrl))
      this.note(
        `warning: serviceUrl is ${site.config.serviceUrl}: that host would speak to itself; change it in ${site.file}`,
      );
    this.log(`${dir}: prolo.yml, and secrets.yml (mode 0600) with ${secrets.length} secret(s)`);
    return { dir, role, secrets };
  }
}
