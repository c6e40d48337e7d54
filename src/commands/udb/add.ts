import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import { lengthFlag, userFlags, userInput } from '../../lib/udb/flags.ts';

export default class UdbAdd extends BaseCommand<typeof UdbAdd> {
  static override description =
    'add a user; without a password one is generated (`udb password` reads it back)';
  static override examples = [
    '<%= config.bin %> udb add jdoe --firstname Jane --lastname Doe',
    '<%= config.bin %> udb add rooty --group root --ssh-key rooty.pub --ask-password',
  ];
  static override args = { login: Args.string({ description: 'letters, digits, - and _', required: true }) };
  static override flags = { ...userFlags, pwdlen: lengthFlag };

  async run() {
    const [{ addUser }, { toPublic }] = await Promise.all([
      import('../../lib/udb/users.ts'),
      import('../../lib/udb/record.ts'),
    ]);
    const site = await this.site();
    const input = { ...(await userInput(this.flags)), login: this.args.login };
    const length = this.flags.pwdlen === undefined ? {} : { passwordLength: this.flags.pwdlen };
    const key = site.secret('passwords.key');
    const user = await addUser(await this.store(), site.config, this.actor, input, key, length);
    this.log(`${user.login}  ${user.uid}  ${user.group}`);
    return toPublic(user);
  }
}
