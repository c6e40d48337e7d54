import { Flags } from '@oclif/core';
import { DestructiveCommand } from '../destructive-command.ts';
import { downFlags, waveFlags } from '../lib/power/flags.ts';
import { connectFlags, selectionArgs, selectionFlags } from '../lib/ssh/flags.ts';

export default class Reboot extends DestructiveCommand<typeof Reboot> {
  static override description = `reboot machines, some of each switch at a time

The gateway and the other servers are left out unless they are named, and so is the host that this runs on.`;
  static override usage = '<%= command.id %> SELECTION…';
  static override examples = [
    '<%= config.bin %> reboot @room:pasteur --dry-run',
    '<%= config.bin %> reboot pas-r01p[01-08] --wait',
    '<%= config.bin %> reboot @mtype:user --per-switch 4 --wave-seconds 60',
  ];
  static override strict = false;
  static override args = selectionArgs;
  static override flags = {
    ...selectionFlags,
    ...downFlags,
    ...waveFlags,
    ...connectFlags,
    wait: Flags.boolean({ char: 'w', description: 'until each has come back after another boot' }),
    'wait-seconds': Flags.integer({ description: 'how long each may take for that', min: 1, default: 600 }),
  };

  async run() {
    const { takeDown } = await import('../lib/power/take-down.ts');
    const { flags } = this;
    const result = await takeDown(
      await this.site(),
      () => this.store(),
      'reboot',
      { ...flags, words: this.words },
      { ...flags, ...(flags.wait ? { waitMs: flags['wait-seconds'] * 1000 } : {}) },
      { note: (text) => this.note(text), log: (text) => this.log(text), json: this.jsonEnabled() },
    );
    process.exitCode = result.exitStatus;
    return result;
  }
}
