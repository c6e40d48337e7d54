import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import { connectFlags, selectionArgs, selectionFlags, touchFlags } from '../lib/ssh/flags.ts';
import { MAX_SECONDS } from '../lib/ssh/max-seconds.ts';

export default class Pget extends BaseCommand<typeof Pget> {
  static override description = 'copy files and trees of many machines here, into a folder for each';
  static override usage = '<%= command.id %> [SELECTION…] -- PATH… DIR';
  static override examples = [
    '<%= config.bin %> pget @room:pasteur -- /var/log/syslog /etc/hosts logs/',
    '<%= config.bin %> pget --max-bytes 20G @user:jdoe -- /home/jdoe rescued/',
  ];
  static override strict = false;
  static override args = selectionArgs;
  static override flags = {
    ...selectionFlags,
    ...touchFlags,
    ...connectFlags,
    'max-bytes': Flags.string({
      description: 'what one machine may send, and the largest file',
      default: '1G',
      helpValue: 'SIZE',
    }),
    dereference: Flags.boolean({ char: 'L', description: 'copy what symbolic links point to' }),
    timeout: Flags.integer({
      char: 't',
      description: 'seconds that a machine may take; 0: any',
      min: 0,
      max: MAX_SECONDS,
    }),
  };

  async run() {
    const [choose, words, { checkFolder }] = await Promise.all([
      import('../lib/ssh/choose.ts'),
      import('../lib/ssh/copy/words.ts'),
      import('../lib/cli/output.ts'),
    ]);
    const site = await this.site();
    const { flags } = this;
    const note = (text: string): void => this.note(text);
    const { selection, from, to } = words.splitCopyWords('pget', process.argv, this.words);
    const maxBytes = words.parseBytes(flags['max-bytes']);
    words.refuseNameless(from);
    const sources = from.map(words.sourceOf);
    const names = sources.map(({ name }) => name);
    words.refuseSameNames(names);
    checkFolder(to);
    const asked = { ...flags, words: selection };
    const machines = await choose.chooseMachines(site, () => this.store(), asked, { note });
    const what = `copy ${from.join(' ')} from there to ${to}`;
    const goOn = await choose.confirmMachines(site, machines, what, flags, note);
    if (flags['dry-run']) return choose.showMachines(machines, (text) => this.log(text));
    if (!goOn) return { outcomes: [] };
    const [{ openAccess }, { onInterrupt }, { copyMs }, { getCommand, getEverywhere }] = await Promise.all([
      import('../lib/ssh/open.ts'),
      import('../lib/ssh/interrupt.ts'),
      import('../lib/ssh/copy/put.ts'),
      import('../lib/ssh/copy/get.ts'),
    ]);
    const access = await openAccess(site, flags);
    const interrupt = onInterrupt(() => undefined);
    try {
      const result = await getEverywhere(
        {
          site,
          access,
          targets: machines.map(access.targetOf),
          fanout: flags.fanout,
          interrupt,
          what,
          commandMs:
            flags.timeout === undefined
              ? copyMs(site.config.ssh.commandSeconds, maxBytes)
              : flags.timeout * 1000,
          note,
          quiet: this.jsonEnabled(),
        },
        getCommand(sources, flags.dereference),
        { dir: to, names, maxBytes },
      );
      process.exitCode = result.summary.exitStatus;
      return result;
    } finally {
      interrupt.release();
    }
  }
}
