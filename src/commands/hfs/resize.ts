import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class HfsResize extends BaseCommand<typeof HfsResize> {
  static override description = `give a person's home another size, while nobody uses it

It grows, or shrinks as far as what it holds lets it. For who has no home yet it is the size of the one to come.`;
  static override examples = ['<%= config.bin %> hfs resize jdoe 4G'];
  static override args = {
    login: Args.string({ description: 'whose home', required: true }),
    size: Args.string({ description: 'such as 4G or 512M', required: true }),
  };

  async run() {
    const [{ operatorClient }, { formatSize, parseSize }] = await Promise.all([
      import('../../lib/hfs/operator.ts'),
      import('../../lib/hfs/size.ts'),
    ]);
    const { login, size } = this.args;
    const size_bytes = parseSize(size);
    const client = operatorClient(await this.site());
    await client.call('resize', { login, size_bytes, actor: this.actor });
    this.log(`${login}: ${formatSize(size_bytes)}`);
    return { login, size_bytes };
  }
}
