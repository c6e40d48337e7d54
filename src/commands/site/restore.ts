import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class SiteRestore extends BaseCommand<typeof SiteRestore> {
  static override description = 'make a site from a backup, in a new folder';
  static override examples = ['<%= config.bin %> site restore /media/usb/site.prolo /etc/prolo'];
  static override args = {
    file: Args.string({ description: 'a file of `site backup`', required: true }),
    dir: Args.string({ description: 'the folder, which has no site yet', required: true }),
  };
  static override flags = {
    'passphrase-file': Flags.string({
      description: 'its first line is the passphrase; - for standard input; left out: asked for',
      helpValue: 'FILE',
    }),
  };

  async run() {
    const [{ restoreSite }, { readPassphrase }] = await Promise.all([
      import('../../lib/site/backup.ts'),
      import('../../lib/cli/passphrase.ts'),
    ]);
    const passphrase = await readPassphrase(this.flags['passphrase-file'], { twice: false });
    const summary = await restoreSite(this.args.file, this.args.dir, passphrase);
    this.log(
      `${this.args.dir}: the site of ${summary.at}: ${summary.machines} machines, ${summary.users} users`,
    );
    return summary;
  }
}
