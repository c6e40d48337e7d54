import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class HfsResize extends BaseCommand<typeof HfsResize> {
  static override description = `give a person's home another size, while nobody uses it

It grows, or shrinks as far as what it holds lets it. For who has no home yet, and for every other one of theirs that is made later, it is the size to come.`;
  static override examples = ['<%= config.bin %> hfs resize jdoe 4G'];
  static override args = {
    login: Args.string({ description: 'whose home', required: true }),
    size: Args.string({ description: 'such as 4G or 512M', required: true }),
  };

  static override flags = {
    set: Flags.string({ description: 'of which set: usual, or that of a contest', helpValue: 'SET' }),
  };

  async run() {
    const [{ operatorClient }, { formatSize, parseSize }, { namedHome }] = await Promise.all([
      import('../../lib/hfs/operator.ts'),
      import('../../lib/hfs/size.ts'),
      import('../../lib/hfs/named-home.ts'),
    ]);
    const { size } = this.args;
    const login = namedHome(this.args.login, this.flags.set);
    const size_bytes = parseSize(size);
    const client = operatorClient(await this.site());
    await client.call('resize', { login, size_bytes, actor: this.actor });
    this.log(`${login}: ${formatSize(size_bytes)}`);
    return { login, size_bytes };
  }
}
