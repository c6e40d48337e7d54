import { BaseCommand } from '../../base-command.ts';

export default class PresenceList extends BaseCommand<typeof PresenceList> {
  static override description = 'list who is logged on where, and since when';
  static override examples = ['<%= config.bin %> presence list', '<%= config.bin %> presence list --json'];

  async run() {
    const [{ readSessions }, { table }] = await Promise.all([
      import('../../lib/presence/source.ts'),
      import('../../lib/cli/table.ts'),
    ]);
    const sessions = await readSessions(await this.site(), () => this.store());
    this.log(
      table(
        ['login', 'machine', 'ip', 'since', 'room'],
        sessions.map(({ login, hostname, ip, since, room }) => [
          login,
          hostname,
          ip,
          since.slice(0, 19).replace('T', ' '),
          room,
        ]),
      ),
    );
    return sessions;
  }
}
