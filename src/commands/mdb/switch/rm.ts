import { Args, Flags } from '@oclif/core';
import { DestructiveCommand } from '../../../destructive-command.ts';

export default class MdbSwitchRm extends DestructiveCommand<typeof MdbSwitchRm> {
  static override description = 'remove a switch';
  static override examples = ['<%= config.bin %> mdb switch rm sw-pas-1 --yes'];
  static override args = { name: Args.string({ description: "the switch's name", required: true }) };
  static override flags = { yes: Flags.boolean({ char: 'y', description: 'do not ask' }) };

  async run() {
    const [{ removeSwitch }, { confirm }] = await Promise.all([
      import('../../../lib/mdb/switches.ts'),
      import('../../../lib/cli/confirm.ts'),
    ]);
    if (!(await confirm(`remove switch ${this.args.name}?`, this.flags.yes))) return { removed: [] };
    await removeSwitch(await this.store(), this.actor, this.args.name);
    this.log(`${this.args.name}: removed`);
    return { removed: [this.args.name] };
  }
}
