import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class UdbShow extends BaseCommand<typeof UdbShow> {
  static override description = 'show one user; never the password (`udb password` does)';
  static override examples = ['<%= config.bin %> udb show jdoe', '<%= config.bin %> udb show jdoe --json'];
  static override args = { login: Args.string({ description: 'whom', required: true }) };

  async run() {
    const [{ readPublicUsers }, { findUser }, { printable }] = await Promise.all([
      import('../../lib/udb/source.ts'),
      import('../../lib/udb/users.ts'),
      import('../../lib/cli/table.ts'),
    ]);
    const user = findUser(await readPublicUsers(await this.site(), () => this.store()), this.args.login);
    for (const [field, value] of Object.entries(user)) this.log(`${field.padEnd(10)} ${printable(value)}`);
    return user;
  }
}
