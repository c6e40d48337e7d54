import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class HfsChoose extends BaseCommand<typeof HfsChoose> {
  static override description = `say which of their homes somebody gets, whether the contest runs or not

It counts from their next login on: nobody's home is taken from under them. Both homes stay as they are.`;
  static override examples = [
    '<%= config.bin %> hfs choose jdoe usual',
    '<%= config.bin %> hfs choose jdoe --clear',
  ];
  static override args = {
    login: Args.string({ description: 'whose', required: true }),
    set: Args.string({ description: 'usual, or the set of a contest' }),
  };
  static override flags = {
    clear: Flags.boolean({ description: 'as the contest has it again', default: false }),
  };

  async run() {
    const [{ operatorClient }, { mustBeSet }, { ProloError }] = await Promise.all([
      import('../../lib/hfs/operator.ts'),
      import('../../lib/hfs/named-home.ts'),
      import('../../lib/errors.ts'),
    ]);
    const { login, set } = this.args;
    if (this.flags.clear === (set !== undefined))
      throw new ProloError('bad-input', 'hfs choose: either a set or --clear', {
        hint: '`prolo hfs list` shows which homes there are',
      });
    if (login.includes('@'))
      throw new ProloError('bad-input', `login ${login}: names a home, not whose`, {
        hint: 'such as `prolo hfs choose jdoe contest`',
      });
    if (set !== undefined) mustBeSet(set);
    const client = operatorClient(await this.site());
    const answer = await client.call('choose', { login, set: set ?? null, actor: this.actor });
    const { there } = answer as { there: boolean };
    this.log(
      `${login}: gets ${set === undefined ? 'what the contest says' : `the home of the set ${set}`} from the next login on`,
    );
    if (set !== undefined && !there) this.note(`${login} has none of that set yet: it is made then, empty`);
    return { login, set: set ?? null };
  }
}
