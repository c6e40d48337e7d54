import { ContestChangeCommand } from '../../contest-change-command.ts';

export default class ContestStart extends ContestChangeCommand {
  static override summary = 'start the contest, at once or at a time';
  static override description = `Contestants lose the internet, the contest's services run, no machine registers itself. \`prolo contest stop\` restores what was.
With --at each consumer does so by its own clock, also when the gateway's daemons are down at that time.`;
  static override examples = [
    '<%= config.bin %> contest start --dry-run',
    '<%= config.bin %> contest start --at 10:00',
    '<%= config.bin %> contest start --yes',
  ];

  async run() {
    return this.change('start');
  }
}
