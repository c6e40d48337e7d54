import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import { ProloError } from '../lib/errors.ts';
import { connectFlags, selectionArgs, selectionFlags, touchFlags } from '../lib/ssh/flags.ts';

export default class Pssh extends BaseCommand<typeof Pssh> {
  static override description = 'run a command on many machines at once';
  static override usage = '<%= command.id %> [SELECTION…] -- COMMAND…';
  static override examples = [
    '<%= config.bin %> pssh @room:pasteur -- uptime',
    "<%= config.bin %> pssh @mtype:user -- 'date; who | wc -l'",
  ];
  static override strict = false;
  static override args = selectionArgs;
  static override flags = {
    ...selectionFlags,
    ...touchFlags,
    ...connectFlags,
    timeout: Flags.integer({ char: 't', description: 'seconds that the command may take; 0: any', min: 0 }),
  };

  async run() {
    const [{ chooseMachines, confirmMachines, showMachines }, { commandOf }] = await Promise.all([
      import('../lib/ssh/choose.ts'),
      import('../lib/ssh/command.ts'),
    ]);
    const site = await this.site();
    const { selection, command } = this.split();
    const { flags } = this;
    const note = (text: string): void => this.note(text);
    const asked = { ...flags, words: selection };
    const machines = await chooseMachines(site, () => this.store(), asked, { note });
    const goOn = await confirmMachines(site, machines, `run ${commandOf(command)}`, flags, note);
    if (flags['dry-run']) return showMachines(machines, (text) => this.log(text));
    if (!goOn) return { outcomes: [] };
    const [{ openAccess }, { runEverywhere }, protocol, { prefixedSink }] = await Promise.all([
      import('../lib/ssh/open.ts'),
      import('../lib/ssh/run-everywhere.ts'),
      import('../lib/ssh/protocol.ts'),
      import('../lib/ssh/output/prefixed.ts'),
    ]);
    const access = await openAccess(site, flags);
    const sink = prefixedSink(
      (stream, bytes) =>
        this.jsonEnabled()
          ? undefined
          : new Promise<void>((resolve) => void process[stream].write(bytes, () => resolve())),
      () => undefined,
    );
    const outcomes = await runEverywhere(
      machines.map(access.targetOf),
      { command: commandOf(command) },
      access.connector,
      sink,
      { fanout: access.fanout, commandMs: (flags.timeout ?? site.config.ssh.commandSeconds) * 1000 },
    );
    await access.close();
    for (const { hostname, status, reason, exitCode } of outcomes)
      if (status !== 'ok') this.note(`${hostname}: ${reason ?? `exit status ${exitCode}`}`);
    process.exitCode = Math.max(0, ...outcomes.map(protocol.exitStatusOf));
    return { outcomes };
  }

  /** The words before and after `--`. @throws ProloError `bad-input` */
  private split(): { selection: string[]; command: string[] } {
    const at = process.argv.indexOf('--');
    const command = at < 0 ? [] : process.argv.slice(at + 1);
    if (command.length > 0) return { selection: this.words.slice(0, -command.length), command };
    throw new ProloError('bad-input', 'pssh: no command', {
      hint: 'it comes after --: `prolo pssh @room:pasteur -- uptime`',
    });
  }
}
