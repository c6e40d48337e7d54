import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import { connectFlags, selectionArgs, selectionFlags, touchFlags } from '../lib/ssh/flags.ts';
import { MAX_SECONDS } from '../lib/ssh/max-seconds.ts';

export default class Pssh extends BaseCommand<typeof Pssh> {
  static override summary = 'run a command on many machines at once';
  static override description = `One word after -- is a command line for the shell over there, pipes and variables included; several words are \
one command and its arguments, which that shell leaves alone. Lines come behind the name of their machine.

The exit status is the highest of all machines (255 without a connection, 124 out of time).`;
  static override usage = ['<%= command.id %> [SELECTION…] -- COMMAND…', '<%= command.id %> -i [SELECTION…]'];
  static override examples = [
    {
      description: 'each line behind its machine',
      command: '<%= config.bin %> <%= command.id %> @room:pasteur -- uptime',
    },
    {
      description: 'the same answers once, below those who gave them',
      command: "<%= config.bin %> <%= command.id %> --gather @mtype:user -- 'uname -r; df -h / | tail -1'",
    },
    {
      description: 'how files differ from the commonest one',
      command: '<%= config.bin %> <%= command.id %> --diff @mtype:user -- cat /etc/resolv.conf',
    },
    {
      description: 'a script from here, again on those where it failed',
      command: '<%= config.bin %> <%= command.id %> --failed --stdin fix.sh -- sh -s',
    },
    {
      description: 'a file a machine',
      command: '<%= config.bin %> <%= command.id %> @all --out logs -- journalctl -b --no-pager',
    },
    { description: 'a prompt', command: '<%= config.bin %> <%= command.id %> -i @room:pasteur' },
  ];
  static override strict = false;
  static override args = selectionArgs;
  static override flags = {
    ...selectionFlags,
    ...touchFlags,
    interactive: Flags.boolean({
      char: 'i',
      description: 'a prompt in place of a command: one after the other, on connections that are kept',
      exclusive: ['gather', 'diff', 'out', 'stdin'],
    }),
    gather: Flags.boolean({ char: 'g', description: 'identical answers once, the commonest first' }),
    diff: Flags.boolean({ char: 'd', description: 'the commonest answer, and how each other one differs' }),
    out: Flags.string({
      char: 'o',
      description: 'output into NAME.out and NAME.err of this folder',
      helpValue: 'DIR',
    }),
    stdin: Flags.string({
      description: "standard input of all of them: a file; -: this command's own",
      helpValue: 'FILE',
    }),
    timeout: Flags.integer({
      char: 't',
      description: 'seconds that the command may take, 0: any; else ssh.commandSeconds',
      min: 0,
      max: MAX_SECONDS,
    }),
    ...connectFlags,
  };

  async run() {
    if (this.flags.interactive) return this.prompt();
    const [{ chooseMachines, confirmMachines, showMachines }, { commandOf, splitWords }] = await Promise.all([
      import('../lib/ssh/choose.ts'),
      import('../lib/ssh/command.ts'),
    ]);
    const { flags } = this;
    const words = splitWords(this.argv, this.words);
    const what = `run ${commandOf(words.command)}`;
    const site = await this.site();
    const note = (text: string): void => this.note(text);
    const selection = { ...flags, words: words.selection };
    const machines = await chooseMachines(site, () => this.store(), selection, { note });
    const goOn = await confirmMachines(site, machines, what, flags, note);
    if (flags['dry-run']) return showMachines(machines, (text) => this.log(text));
    if (!goOn) return { outcomes: [] };
    const [{ openAccess }, { runRecorded }, { readInputBytes }] = await Promise.all([
      import('../lib/ssh/open.ts'),
      import('../lib/ssh/run-recorded.ts'),
      import('../lib/cli/input.ts'),
    ]);
    const { stdin } = flags;
    const input = stdin === undefined ? {} : { input: await readInputBytes(stdin, `--stdin ${stdin}`) };
    const access = await openAccess(site, flags);
    const commandMs = (flags.timeout ?? site.config.ssh.commandSeconds) * 1000;
    const { data, exitStatus } = await runRecorded(
      site,
      machines.map(access.targetOf),
      { command: commandOf(words.command), ...input },
      access,
      { what, output: { ...flags, json: this.jsonEnabled() }, fanout: access.fanout, commandMs, note },
    ).finally(() => access.close(note));
    process.exitCode = exitStatus;
    return data;
  }

  private async prompt(): Promise<undefined> {
    const { runPrompt } = await import('../lib/ssh/prompt/prompt.ts');
    const flags = { ...this.flags, words: this.words, hasCommand: this.argv.includes('--') };
    const [say, note] = [(text: string) => this.log(text), (text: string) => this.note(text)];
    process.exitCode = await runPrompt(await this.site(), () => this.store(), flags, say, note);
  }
}
