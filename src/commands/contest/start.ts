import { Flags } from '@oclif/core';
import { ContestChangeCommand } from '../../contest-change-command.ts';

export default class ContestStart extends ContestChangeCommand {
  static override summary = 'start the contest, at once or at a time';
  static override description = `Contestants lose the internet, the contest's services run, no machine registers itself. Those who log in from then on get a home \
of another set, empty at first; who is logged on keeps theirs until they log out. \`prolo contest stop\` restores what was, and both homes are kept. \
With --at each consumer does so by its own clock, also when the gateway's daemons are down at that time.`;
  static override examples = [
    '<%= config.bin %> contest start --dry-run',
    '<%= config.bin %> contest start --at 10:00',
    '<%= config.bin %> contest start --yes',
    '<%= config.bin %> contest start --homes semifinal',
  ];

  static override flags = {
    ...ContestChangeCommand.flags,
    homes: Flags.string({
      description:
        'the set of homes that contestants get: a new name gives new ones, usual leaves them as they are; default: contest',
      helpValue: 'SET',
    }),
  };

  async run() {
    return this.change('start', (this.flags as { homes?: string }).homes);
  }
}
