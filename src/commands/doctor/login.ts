import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import { connectFlags, selectionArgs, selectionFlags, touchFlags } from '../../lib/ssh/flags.ts';

export default class DoctorLogin extends BaseCommand<typeof DoctorLogin> {
  static override summary = 'log a test account in and out on seats, and say where it stops';
  static override description = `By SSH with the account's password, so through PAM and its hook as at the greeter: presence, the home, its mount, a file in \
it, the logout, and whether all of that is given back. One seat after the other, since an account can be at one only. A seat where somebody is logged \
on is left alone. Ctrl-C logs it out where it is.

The exit status is 1 when it stopped anywhere.`;
  static override examples = [
    {
      description: "with the password that UDB has, as on the account's sheet",
      command: '<%= config.bin %> <%= command.id %> @room:pasteur --login ztest',
    },
    {
      description: 'a password of which UDB has the hash alone',
      command: '<%= config.bin %> <%= command.id %> pas-r01p01 --login ztest --password-file FILE',
    },
  ];
  static override strict = false;
  static override args = selectionArgs;
  static override flags = {
    ...selectionFlags,
    ...touchFlags,
    login: Flags.string({ description: 'of the test account, in UDB', helpValue: 'LOGIN', required: true }),
    'password-file': Flags.string({
      description: 'its first line is the password; -: standard input. Else that of UDB, or it is asked for',
      helpValue: 'FILE',
    }),
    identity: connectFlags.identity,
  };

  async run() {
    const [{ chooseMachines, confirmMachines, showMachines }, { readAccount, seatsOnly }] = await Promise.all(
      [import('../../lib/ssh/choose.ts'), import('../../lib/doctor/login/account.ts')],
    );
    const { flags } = this;
    const site = await this.site();
    const note = (text: string): void => this.note(text);
    const selection = { ...flags, words: this.words };
    const store = await this.store();
    const machines = seatsOnly(
      await chooseMachines(site, () => this.store(), selection, { bare: 'refuse', note }),
    );
    const what = `log ${flags.login} in and out`;
    const goOn = await confirmMachines(site, machines, what, flags, note);
    if (flags['dry-run']) return { seats: showMachines(machines, (text) => this.log(text)) };
    if (!goOn) return { seats: [] };
    const [{ describeWalks, walkLogins }, { describeOutcomes, exitStatus }] = await Promise.all([
      import('../../lib/doctor/login/login.ts'),
      import('../../lib/doctor/show.ts'),
    ]);
    const { login, password } = await readAccount(site, store, flags.login, flags['password-file']);
    const walks = await walkLogins(site, store, machines, {
      ...{ login, password, note, identity: flags.identity },
      onSeat: (hostname, left) => this.progress(hostname && `${hostname}; ${left} left`),
    });
    if (walks.length === 0) return { checks: [], seats: [] };
    const outcome = describeWalks(walks, login);
    this.log(describeOutcomes([outcome], process.stdout));
    process.exitCode = exitStatus([outcome]);
    return { checks: [outcome], seats: walks };
  }

  private progress(what: string | undefined): void {
    if (!this.jsonEnabled() && process.stderr.isTTY) process.stderr.write(`\r\u001b[K${what ?? ''}`);
  }
}
