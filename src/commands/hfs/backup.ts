import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class HfsBackup extends BaseCommand<typeof HfsBackup> {
  static override description = `store homes in the backups now: those named, or all that have changed

Whoever is at home there goes on. \`prolo daemon timers\` or the systemd timers do this every few minutes.`;
  static override examples = [
    '<%= config.bin %> hfs backup',
    '<%= config.bin %> hfs backup alice bob',
    '<%= config.bin %> hfs backup --forget',
  ];
  static override strict = false;
  static override args = { login: Args.string({ description: 'whose homes' }) };
  static override flags = {
    set: Flags.string({ description: 'those who are named: of which set', helpValue: 'SET' }),
    forget: Flags.boolean({
      description: 'instead: forget old backups, and free what only they held',
      exclusive: ['retain'],
    }),
    retain: Flags.boolean({
      description: 'instead: delete old images of moved homes whose time (hfs.retentionHours) is over',
    }),
  };

  async run() {
    const [{ backupHomes, forgetOld, retainImages }, { namedHome }, { ProloError }] = await Promise.all([
      import('../../lib/hfs/backup/jobs.ts'),
      import('../../lib/hfs/named-home.ts'),
      import('../../lib/errors.ts'),
    ]);
    const { set } = this.flags;
    if (set !== undefined && this.words.length === 0)
      throw new ProloError('bad-input', 'hfs backup: --set says which homes of those who are named', {
        hint: 'without logins, all homes of every set are stored that have changed',
      });
    const site = await this.site();
    if (this.flags.forget) {
      await forgetOld(site);
      this.log('old backups are forgotten');
      return {};
    }
    if (this.flags.retain) {
      const outcome = await retainImages(site, await this.store());
      for (const name of outcome.deleted) this.log(`deleted ${name}`);
      this.fail(outcome.failed.map(({ hfs, error }) => `hfs ${hfs}: ${error}`));
      return outcome;
    }
    const names = this.words.map((word) => namedHome(word, set));
    const outcome = await backupHomes(site, await this.store(), names, ({ login, stored }) => {
      if (stored) this.log(`${login}  ${stored.snapshot}  ${stored.bytes} bytes  ${stored.ms} ms`);
    });
    if (outcome.stored.length + outcome.failed.length === 0) this.log('no home has changed');
    this.fail(outcome.failed.map(({ login, hfs, error }) => `${login ?? `hfs ${hfs}`}: ${error}`));
    return outcome;
  }

  /** What did not work is told, and is the exit status of the whole. */
  private fail(failures: readonly string[]): void {
    for (const failure of failures) this.note(failure);
    if (failures.length > 0) process.exitCode = 1;
  }
}
