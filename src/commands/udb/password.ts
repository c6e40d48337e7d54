import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import { lengthFlag } from '../../lib/udb/flags.ts';

export default class UdbPassword extends BaseCommand<typeof UdbPassword> {
  static override description = "read a user's password back, for who lost it; the audit notes who asked";
  static override examples = [
    '<%= config.bin %> udb password jdoe',
    '<%= config.bin %> udb password jdoe --new',
  ];
  static override args = { login: Args.string({ description: 'whose', required: true }) };
  static override flags = {
    new: Flags.boolean({ description: 'generate another first' }),
    pwdlen: { ...lengthFlag, dependsOn: ['new'] },
  };

  async run() {
    const { readPassword, renewPassword } = await import('../../lib/udb/private.ts');
    const site = await this.site();
    const { login } = this.args;
    const [store, key] = [await this.store(), site.secret('passwords.key')];
    const password = this.flags.new
      ? await renewPassword(store, site.config, key, this.actor, login, this.flags.pwdlen)
      : await readPassword(store, key, this.actor, login);
    this.log(password);
    return { login: login.trim().toLowerCase(), password };
  }
}
