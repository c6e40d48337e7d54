import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import { connectFlags, selectionArgs, selectionFlags, touchFlags } from '../lib/ssh/flags.ts';
import { MAX_SECONDS } from '../lib/ssh/max-seconds.ts';

export default class Pcp extends BaseCommand<typeof Pcp> {
  static override description = 'copy files and trees to many machines at once';
  static override usage = '<%= command.id %> [SELECTION…] -- FILE… DESTINATION';
  static override examples = [
    '<%= config.bin %> pcp @room:pasteur -- motd issue /etc/',
    '<%= config.bin %> pcp @mtype:user -- contest.conf.new /etc/contest.conf',
  ];
  static override strict = false;
  static override args = selectionArgs;
  static override flags = {
    ...selectionFlags,
    ...touchFlags,
    ...connectFlags,
    parents: Flags.boolean({ description: "make the destination's folder where there is none" }),
    dereference: Flags.boolean({ char: 'L', description: 'copy what symbolic links point to' }),
    timeout: Flags.integer({
      char: 't',
      description: 'seconds that a machine may take; 0: any',
      min: 0,
      max: MAX_SECONDS,
    }),
  };

  async run() {
    const [choose, { splitCopyWords, sourceOf, destinationOf }, { checkSources, pack }] = await Promise.all([
      import('../lib/ssh/choose.ts'),
      import('../lib/ssh/copy/words.ts'),
      import('../lib/ssh/copy/pack.ts'),
    ]);
    const site = await this.site();
    const { flags } = this;
    const note = (text: string): void => this.note(text);
    const { selection, from, to } = splitCopyWords('pcp', process.argv, this.words);
    const sources = from.map(sourceOf);
    const destination = destinationOf(to, sources);
    await checkSources(sources);
    const asked = { ...flags, words: selection };
    const machines = await choose.chooseMachines(site, () => this.store(), asked, { note });
    const what = `copy ${from.join(' ')} to ${to}`;
    const goOn = await choose.confirmMachines(site, machines, what, flags, note);
    if (flags['dry-run']) return choose.showMachines(machines, (text) => this.log(text));
    if (!goOn) return { outcomes: [] };
    const [{ openAccess }, { onInterrupt }, { copyMs, putCommand, putEverywhere }] = await Promise.all([
      import('../lib/ssh/open.ts'),
      import('../lib/ssh/interrupt.ts'),
      import('../lib/ssh/copy/put.ts'),
    ]);
    const access = await openAccess(site, flags);
    const interrupt = onInterrupt(() => undefined);
    const archive = await pack(sources, { dereference: flags.dereference, signal: interrupt.signal });
    try {
      const options = { parents: flags.parents, owners: process.getuid?.() === 0 };
      const result = await putEverywhere(
        {
          site,
          access,
          targets: machines.map(access.targetOf),
          fanout: flags.fanout,
          interrupt,
          what,
          commandMs:
            flags.timeout === undefined
              ? copyMs(site.config.ssh.commandSeconds, archive.bytes * machines.length)
              : flags.timeout * 1000,
          note,
          quiet: this.jsonEnabled(),
        },
        putCommand(sources, destination, archive, options),
        archive,
      );
      process.exitCode = result.summary.exitStatus;
      return result;
    } finally {
      archive.remove();
      interrupt.release();
    }
  }
}
