import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class SiteLog extends BaseCommand<typeof SiteLog> {
  static override description =
    'show who changed what, and who looked at passwords: the change log and the audit, the newest last';
  static override examples = [
    '<%= config.bin %> site log',
    '<%= config.bin %> site log --last 200 --of udb',
    '<%= config.bin %> site log --of audit --json',
  ];
  static override flags = {
    last: Flags.integer({ description: 'how many lines', default: 20, min: 1, max: 100_000, helpValue: 'N' }),
    of: Flags.string({ description: 'only these', options: ['mdb', 'udb', 'presence', 'audit'] }),
  };

  async run() {
    const [{ readHistory }, { table }, { hostTime }] = await Promise.all([
      import('../../lib/store/history.ts'),
      import('../../lib/cli/table.ts'),
      import('../../lib/cli/host-time.ts'),
    ]);
    const { last, of } = this.flags;
    const entries = await readHistory((await this.store()).knex, last, of);
    this.log(
      table(
        ['at', 'who', 'where', 'what'],
        entries.map(({ at, actor, source, what }) => [hostTime(at), actor, source, what]),
      ),
    );
    return entries;
  }
}
