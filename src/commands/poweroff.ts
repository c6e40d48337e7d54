import { DestructiveCommand } from '../destructive-command.ts';
import { downFlags, waveFlags } from '../lib/power/flags.ts';
import { connectFlags, selectionArgs, selectionFlags } from '../lib/ssh/flags.ts';

export default class Poweroff extends DestructiveCommand<typeof Poweroff> {
  static override description = `switch machines off, some of each switch at a time

The gateway and the other servers are left out unless they are named, and so is the host that this runs on.`;
  static override usage = '<%= command.id %> SELECTION…';
  static override examples = [
    '<%= config.bin %> poweroff @room:masters --dry-run',
    '<%= config.bin %> poweroff @mtype:user -x pas-r01p01 --yes',
  ];
  static override strict = false;
  static override args = selectionArgs;
  static override flags = { ...selectionFlags, ...downFlags, ...waveFlags, ...connectFlags };

  async run() {
    const { takeDown } = await import('../lib/power/take-down.ts');
    const result = await takeDown(
      await this.site(),
      () => this.store(),
      'poweroff',
      { ...this.flags, words: this.words },
      this.flags,
      { note: (text) => this.note(text), log: (text) => this.log(text), json: this.jsonEnabled() },
    );
    process.exitCode = result.exitStatus;
    return result;
  }
}
