import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { Problem } from '../../lib/hfs/db/doctor.ts';

export default class HfsDoctor extends BaseCommand<typeof HfsDoctor> {
  static override description = 'compare the table of homes with every disk, and check what nobody uses';
  static override examples = ['<%= config.bin %> hfs doctor', '<%= config.bin %> hfs doctor --fix'];
  static override flags = {
    fix: Flags.boolean({ description: 'let e2fsck mend what it mends without a question', default: false }),
  };

  async run() {
    const [{ operatorClient }, { table }] = await Promise.all([
      import('../../lib/hfs/operator.ts'),
      import('../../lib/cli/table.ts'),
    ]);
    const client = operatorClient(await this.site());
    const problems = (await client.call('doctor', { fix: this.flags.fix })) as Problem[];
    if (problems.every(({ note }) => note)) this.log('all homes are well');
    else process.exitCode = 1;
    if (problems.length === 0) return problems;
    this.log(
      table(
        ['login', 'hfs', 'what'],
        problems.map(({ login, hfs, what }) => [login, hfs, what]),
      ),
    );
    return problems;
  }
}
