import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import { connectFlags } from '../../lib/ssh/flags.ts';

export default class Doctor extends BaseCommand<typeof Doctor> {
  static override summary = 'what of the site is not as it should be, and what mends it';
  static override description = `Nothing is changed. It takes ten seconds at most. The exit status is 1 when something is red.

red: it does not work, or soon will not. yellow: worth a look, or not checked, with the reason. Some checks need root.`;
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --only dns --only services',
    {
      description: 'the site as its machines see it',
      command: '<%= config.bin %> doctor --from @room:pasteur',
    },
    {
      description: 'one thing, from all PCs',
      command: '<%= config.bin %> doctor --from @mtype:user --only dhcp --only nic',
    },
    '<%= config.bin %> doctor --json',
  ];
  static override flags = {
    only: Flags.string({
      description: 'this check alone; may be repeated',
      helpValue: 'CHECK',
      multiple: true,
    }),
    from: Flags.string({
      description: 'have these machines look, by SSH: a node set; may be repeated',
      helpValue: 'SELECTION',
      multiple: true,
      multipleNonGreedy: true,
    }),
    identity: connectFlags.identity,
    list: Flags.boolean({ description: 'name the checks, and look at nothing' }),
  };

  async run() {
    if (this.flags.from) return this.lookFrom(this.flags.from);
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
    let left = checks.map(({ name }) => name);
    const outcomes = await examineSite(
      () => this.site(),
      checks,
      ({ name }) => {
        left = left.filter((one) => one !== name);
        this.progress(left.join(', '));
      },
    );
    this.log(describeOutcomes(outcomes, process.stdout));
    process.exitCode = exitStatus(outcomes);
    return { checks: outcomes };
  }

  private async lookFrom(words: readonly string[]) {
    const [{ chooseSeatChecks }, { describeOutcomes, exitStatus }, { table }] = await Promise.all([
      import('../../lib/doctor/doctor.ts'),
      import('../../lib/doctor/show.ts'),
      import('../../lib/cli/table.ts'),
    ]);
    const only = this.flags.only ?? [];
    const names = chooseSeatChecks(only).map(({ name, subject }) => ({ name, subject }));
    if (this.flags.list) {
      this.log(table(['check', 'subject'], names.map(({ name, subject }) => [name, subject]))); // prettier-ignore
      return { checks: names };
    }
    const [{ chooseMachines }, { examineFrom }] = await Promise.all([
      import('../../lib/ssh/choose.ts'),
      import('../../lib/doctor/seat/from.ts'),
    ]);
    const site = await this.site();
    const note = (text: string): void => this.note(text);
    const machines = await chooseMachines(site, () => this.store(), { words }, { note });
    const onDone = (left: number): void => this.progress(left > 0 ? `${left} machines` : '');
    const { identity } = this.flags;
    const outcomes = await examineFrom(site, machines, { only, connect: { identity }, note, onDone });
    this.log(describeOutcomes(outcomes, process.stdout));
    process.exitCode = exitStatus(outcomes);
    return { checks: outcomes };
  }

  private progress(what: string): void {
    if (this.jsonEnabled() || !process.stderr.isTTY) return;
    const line = what ? `waits for ${what}`.slice(0, (process.stderr.columns ?? 80) - 1) : '';
    process.stderr.write(`\r\u001b[K${line}`);
  }
}
