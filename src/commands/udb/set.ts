import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import { userFlags, userInput } from '../../lib/udb/flags.ts';

export default class UdbSet extends BaseCommand<typeof UdbSet> {
  static override description =
    'change fields of a user; a new group leaves the UID, to whom the home belongs, as it is (--uid auto: another)';
  static override examples = [
    '<%= config.bin %> udb set jdoe --shell /bin/zsh',
    '<%= config.bin %> udb set jdoe --ssh-key jdoe.pub',
    '<%= config.bin %> udb set jdoe --password-file - < new-password',
  ];
  static override args = { login: Args.string({ description: 'whom', required: true }) };
  static override flags = {
    ...userFlags,
    'no-ssh-key': Flags.boolean({ description: 'take the SSH key away', exclusive: ['ssh-key'] }),
    'dry-run': Flags.boolean({ description: 'show what would change' }),
  };

  async run() {
    const [
      { changeUsers, findUser, storePassword },
      { toPublic },
      { describePlan, summarizePlan, changedNames },
      { ProloError },
    ] = await Promise.all([
      import('../../lib/udb/users.ts'),
      import('../../lib/udb/record.ts'),
      import('../../lib/udb/describe.ts'),
      import('../../lib/errors.ts'),
    ]);
    const { password, ...fields } = await userInput(this.flags);
    const input = { ...fields, ...(this.flags['no-ssh-key'] ? { ssh_key: '' } : {}) };
    if (password === undefined && Object.keys(input).length === 0)
      throw new ProloError('bad-input', 'udb set: nothing to set', {
        hint: 'name a field, such as --shell /bin/zsh',
      });
    const site = await this.site();
    const login = this.args.login.trim().toLowerCase();
    const stored =
      password === undefined
        ? {}
        : { password: storePassword(site.secret('passwords.key'), login, password) };
    const dryRun = this.flags['dry-run'];
    const plan = await changeUsers(
      await this.store(),
      site.config,
      this.actor,
      (current) => ({ wishes: [{ user: findUser(current, login), input: { ...input, ...stored } }] }),
      { dryRun },
    );
    for (const line of describePlan(plan)) this.log(line);
    this.note(summarizePlan(plan, { dryRun }));
    return plan.update.map(({ before, after }) => ({
      ...toPublic(after),
      changed: changedNames(before, after),
    }));
  }
}
