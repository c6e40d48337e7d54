import { Args } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import { connectFlags, selectionFlags, touchFlags } from '../lib/ssh/flags.ts';

export default class Wall extends BaseCommand<typeof Wall> {
  static override description = `write to everybody who is logged on at a terminal of the machines

What comes before -- chooses the machines; without it the message goes to all of them.`;
  static override usage = ['<%= command.id %> MESSAGE…', '<%= command.id %> [SELECTION…] -- MESSAGE…'];
  static override examples = [
    '<%= config.bin %> wall Lunch is ready',
    '<%= config.bin %> wall @room:pasteur -- The room closes in ten minutes',
  ];
  static override strict = false;
  static override args = { message: Args.string({ description: 'what they read' }) };
  static override flags = { ...selectionFlags, ...touchFlags, ...connectFlags };

  async run() {
    const [{ chooseMachines, confirmMachines, showMachines }, wall] = await Promise.all([
      import('../lib/ssh/choose.ts'),
      import('../lib/power/wall.ts'),
    ]);
    const { flags } = this;
    const { selection, message, isMarked } = wall.wallWords(this.argv, this.words);
    const text = wall.wallText(message);
    const site = await this.site();
    const note = (words: string): void => this.note(words);
    const store = () => this.store();
    const machines = await chooseMachines(site, store, { ...flags, words: selection }, { note });
    if (!isMarked) {
      const { readMachines } = await import('../lib/mdb/source.ts');
      wall.checkNoSelection(message, await readMachines(site, store));
    }
    const what = `write ${JSON.stringify(text.trimEnd())}`;
    const goOn = await confirmMachines(site, machines, what, flags, note);
    if (flags['dry-run']) return showMachines(machines, (names) => this.log(names));
    if (!goOn) return { outcomes: [] };
    const [{ openAccess }, { runRecorded }] = await Promise.all([
      import('../lib/ssh/open.ts'),
      import('../lib/ssh/run-recorded.ts'),
    ]);
    const access = await openAccess(site, flags);
    const { data, exitStatus } = await runRecorded(
      site,
      machines.map(access.targetOf),
      { command: wall.WALL_COMMAND, input: Buffer.from(text) },
      access,
      { what, output: { json: this.jsonEnabled() }, fanout: access.fanout, commandMs: 60_000, note },
    ).finally(() => access.close(note));
    process.exitCode = exitStatus;
    return data;
  }
}
