import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class SiteBackup extends BaseCommand<typeof SiteBackup> {
  static override description = `write the site to one encrypted file: database, secrets, config

It is from one moment, and nothing has to stop for it. Keep it off the gateway: that is the machine nobody can replace.`;
  static override examples = [
    '<%= config.bin %> site backup /media/usb/site.prolo',
    '<%= config.bin %> site backup site.prolo --passphrase-file /root/passphrase',
  ];
  static override args = {
    file: Args.string({ description: 'the file to write (mode 0600)', required: true }),
  };
  static override flags = {
    'passphrase-file': Flags.string({
      description: 'its first line is the passphrase; - for standard input; left out: asked for',
      helpValue: 'FILE',
    }),
  };

  async run() {
    const [{ backupSite }, { readPassphrase }, { checkFolder }, { transact }, { audit }] = await Promise.all([
      import('../../lib/site/backup.ts'),
      import('../../lib/cli/passphrase.ts'),
      import('../../lib/cli/output.ts'),
      import('../../lib/store/store.ts'),
      import('../../lib/store/change-log.ts'),
    ]);
    const site = await this.site();
    checkFolder(this.args.file);
    const store = await this.store();
    const passphrase = await readPassphrase(this.flags['passphrase-file'], { twice: true });
    const summary = await backupSite(site, store, this.args.file, passphrase, new Date());
    // For the doctor, who tells how old the last one is.
    await transact(store, (tx) => audit(tx, this.actor, 'site backup', this.args.file));
    this.log(
      `${this.args.file}: ${summary.machines} machines, ${summary.users} users, ${summary.bytes} bytes`,
    );
    return summary;
  }
}
