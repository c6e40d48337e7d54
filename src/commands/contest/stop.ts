import { ContestChangeCommand } from '../../contest-change-command.ts';

export default class ContestStop extends ContestChangeCommand {
  static override summary = 'end the contest, or call off one that has not begun';
  static override description = `What \`prolo contest start\` took comes back: the internet of contestants, self-registration where the setting allows it; the \
contest's services are stopped, and the usual homes are back at the next login. With --at each consumer does so by its own clock.`;
  static override examples = ['<%= config.bin %> contest stop', '<%= config.bin %> contest stop --at 22:00'];

  async run() {
    return this.change('stop');
  }
}
