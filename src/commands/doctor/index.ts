import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class Doctor extends BaseCommand<typeof Doctor> {
  static override summary = 'what of the site is not as it should be, and what mends it';
  static override description = `Nothing is changed. It takes ten seconds at most. The exit status is 1 when something is red.

red: it does not work, or soon will not. yellow: worth a look, or not checked, with the reason. Some checks need root.`;
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --only dns --only services',
    '<%= config.bin %> doctor --json',
  ];
  static override flags = {
    only: Flags.string({
      description: 'this check alone; may be repeated',
      helpValue: 'CHECK',
      multiple: true,
    }),
    list: Flags.boolean({ description: 'name the checks, and look at nothing' }),
  };

  async run() {
    const [{ chooseChecks, examineSite }, { describeOutcomes, exitStatus }, { table }] = await Promise.all([
      import('../../lib/doctor/doctor.ts'),
      import('../../lib/doctor/show.ts'),
      import('../../lib/cli/table.ts'),
    ]);
    const checks = chooseChecks(this.flags.only ?? []);
    if (this.flags.list) {
      const names = checks.map(({ name, subject }) => ({ name, subject }));
      this.log(table(['check', 'subject'], names.map(({ name, subject }) => [name, subject]))); // prettier-ignore
      return { checks: names };
    }
    const progress = !this.jsonEnabled() && process.stderr.isTTY;
    let left = checks.map(({ name }) => name);
    const outcomes = await examineSite(
      () => this.site(),
      checks,
      ({ name }) => {
        left = left.filter((one) => one !== name);
        if (progress)
          process.stderr.write(
            `\r\u001b[K${left.length > 0 ? `waits for ${left.join(', ')}`.slice(0, (process.stderr.columns ?? 80) - 1) : ''}`,
          );
      },
    );
    this.log(describeOutcomes(outcomes, process.stdout));
    process.exitCode = exitStatus(outcomes);
    return { checks: outcomes };
  }
}
