import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import { waveFlags } from '../lib/power/flags.ts';
import { selectionArgs, selectionFlags, touchFlags } from '../lib/ssh/flags.ts';

export default class Wake extends BaseCommand<typeof Wake> {
  static override description = `switch machines on over the network, some of each switch at a time

Sends magic packets (wake-on-LAN) into the networks that the machines are in, so it has to run on a host that is in them too. \
Nothing tells whether a machine has heard: see \`prolo ping --watch\`.`;
  static override usage = '<%= command.id %> [SELECTION…]';
  static override examples = [
    '<%= config.bin %> wake @room:pasteur --dry-run',
    '<%= config.bin %> wake @mtype:user --per-switch 4 --wave-seconds 60',
  ];
  static override strict = false;
  static override args = selectionArgs;
  static override flags = {
    ...selectionFlags,
    ...touchFlags,
    ...waveFlags,
    'udp-port': Flags.integer({ description: 'where the packets go', min: 1, max: 65535, default: 9 }),
  };

  async run() {
    const { wakeMachines } = await import('../lib/power/wake-machines.ts');
    const result = await wakeMachines(
      await this.site(),
      () => this.store(),
      { ...this.flags, words: this.words },
      { ...this.flags, port: this.flags['udp-port'] },
      { note: (text) => this.note(text), log: (text) => this.log(text), json: this.jsonEnabled() },
    );
    process.exitCode = result.exitStatus;
    return result;
  }
}
