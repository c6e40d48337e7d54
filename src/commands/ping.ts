import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import { connectFlags, selectionArgs, selectionFlags } from '../lib/ssh/flags.ts';
import { MAX_SECONDS } from '../lib/ssh/max-seconds.ts';

export default class Ping extends BaseCommand<typeof Ping> {
  static override description = `which machines are there

up: its sshd answers. on: the machine answers, but no sshd does. silent: nothing answers. The exit status is 0 when all are up.`;
  static override usage = '<%= command.id %> [SELECTION…]';
  static override examples = [
    '<%= config.bin %> ping @room:pasteur',
    '<%= config.bin %> ping @mtype:user --each',
    '<%= config.bin %> ping pas-r01p[01-08] --watch',
  ];
  static override strict = false;
  static override args = selectionArgs;
  static override flags = {
    ...selectionFlags,
    port: connectFlags.port,
    fanout: connectFlags.fanout,
    timeout: Flags.integer({
      char: 't',
      description: 'seconds that a machine may take',
      min: 1,
      max: MAX_SECONDS,
      default: 3,
    }),
    each: Flags.boolean({ description: 'a line for each machine, not for those that answer alike' }),
    watch: Flags.boolean({
      char: 'w',
      description: 'ask again and print what changes, until all are up (or Ctrl-C)',
    }),
  };

  async run() {
    const [
      { chooseMachines },
      { onInterrupt },
      { pingAll, watchPings },
      { changeLines, eachTable, groupTable },
    ] = await Promise.all([
      import('../lib/ssh/choose.ts'),
      import('../lib/ssh/interrupt.ts'),
      import('../lib/power/ping-all.ts'),
      import('../lib/power/show-pings.ts'),
    ]);
    const site = await this.site();
    const { flags } = this;
    const machines = await chooseMachines(site, () => this.store(), { ...flags, words: this.words });
    const options = {
      port: flags.port ?? site.config.ssh.port,
      fanout: flags.fanout ?? site.config.ssh.fanout,
      timeoutMs: flags.timeout * 1000,
    };
    const interrupt = flags.watch ? onInterrupt(() => undefined) : undefined;
    let answers = await pingAll(machines, options, interrupt?.signal);
    this.log(flags.each ? eachTable(answers) : groupTable(answers));
    if (interrupt)
      answers = await watchPings(machines, answers, options, interrupt.signal, (...change) =>
        this.log(changeLines(...change)),
      );
    interrupt?.release();
    if (answers.some(({ state }) => state !== 'up')) process.exitCode = 1;
    return { machines: answers };
  }
}
