import { BaseCommand } from '../../base-command.ts';
import { groupFlag } from '../../lib/udb/flags.ts';

export default class UdbList extends BaseCommand<typeof UdbList> {
  static override description = 'list users';
  static override examples = ['<%= config.bin %> udb list', '<%= config.bin %> udb list --group orga --json'];
  static override flags = { group: groupFlag('of this group only') };

  async run() {
    const [{ readPublicUsers }, { table }] = await Promise.all([
      import('../../lib/udb/source.ts'),
      import('../../lib/cli/table.ts'),
    ]);
    const all = await readPublicUsers(await this.site(), () => this.store());
    const users = all.filter(({ group }) => this.flags.group === undefined || group === this.flags.group);
    const rows = users.map((user) => [
      user.login,
      user.uid,
      user.group,
      `${user.firstname} ${user.lastname}`.trim(),
      user.shell,
      user.ssh_key !== '',
    ]);
    this.log(table(['login', 'uid', 'group', 'name', 'shell', 'ssh key'], rows));
    return users;
  }
}
