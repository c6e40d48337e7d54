import { existsSync } from 'node:fs';
import { Flags } from '@oclif/core';
import { DestructiveCommand } from '../../destructive-command.ts';

export default class DoctorRaid extends DestructiveCommand<typeof DoctorRaid> {
  static override summary = 'which disk of this server’s mirrors is dead, and what to do next';
  static override description = `Looks, and changes nothing: what is degraded, which disk it is (its serial number, where it is plugged in), the next step with its \
commands. With --replace it does the steps: divides the new disk as the other is, takes it into the arrays, watches until it has its copy, and puts a boot \
loader on it. A disk that works yet stays in until then. It can be broken off, and said again. The exit status is 1 when something is red.`;
  static override examples = [
    '<%= config.bin %> doctor raid',
    '<%= config.bin %> doctor raid --replace /dev/sdb --with /dev/sdc --dry-run',
    {
      description: 'the dead disk was pulled out already',
      command: '<%= config.bin %> doctor raid --replace missing --with /dev/sdb',
    },
    {
      description: 'the new disk was something else before',
      command: '<%= config.bin %> doctor raid --replace /dev/sdb --with /dev/sdc --erase',
    },
  ];
  static override flags = {
    replace: Flags.string({
      description: 'this disk goes; `missing`: it is gone',
      helpValue: 'DISK',
      dependsOn: ['with'],
    }),
    with: Flags.string({ description: 'and this one comes', helpValue: 'DISK', dependsOn: ['replace'] }),
    erase: Flags.boolean({ description: 'the new one may lose what it holds', dependsOn: ['with'] }),
    'no-wait': Flags.boolean({ description: 'do not watch until it has its copy', dependsOn: ['with'] }),
    'dry-run': Flags.boolean({ char: 'n', description: 'only show each step, with its commands' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
  };

  protected override onlyLooks(): boolean {
    return this.flags.replace === undefined || this.flags['dry-run'];
  }

  /** A server without a site has disks too. */
  protected override makesSite(): boolean {
    const { config = process.env.PROLO_CONFIG } = this.flags;
    const places = config === undefined ? ['prolo.yml', '/etc/prolo/prolo.yml'] : [config];
    return !places.some((file) => existsSync(file));
  }

  async run() {
    const { replace, with: by } = this.flags;
    if (replace !== undefined && by !== undefined) return this.replace(replace, by);
    const [{ readRaidFacts }, { diagnose }, { describeOutcomes, exitStatus }, { worst }] = await Promise.all([
      import('../../lib/doctor/raid-facts.ts'),
      import('../../lib/doctor/raid.ts'),
      import('../../lib/doctor/show.ts'),
      import('../../lib/doctor/check.ts'),
    ]);
    const facts = await readRaidFacts();
    const { findings, next } = diagnose(facts);
    const outcome = { name: 'raid', subject: 'RAID of this host', ms: 0, colour: worst(findings), findings };
    this.log(describeOutcomes([outcome], process.stdout).split('\n').slice(0, -2).join('\n'));
    for (const [index, { what, commands }] of next.entries()) {
      this.log(`\n${index + 1}. ${what}`);
      for (const command of commands) this.log(`     ${command}`);
    }
    process.exitCode = exitStatus([outcome]);
    return { colour: outcome.colour, findings, next, arrays: facts.arrays };
  }

  private async replace(old: string, by: string) {
    const { planReplacement, replaceDisk, watchRebuild } = await import('../../lib/doctor/raid-run.ts');
    const [{ describeStep }, { confirm }] = await Promise.all([
      import('../../lib/bootstrap/describe.ts'),
      import('../../lib/cli/confirm.ts'),
    ]);
    const { steps, afterCopy, disk } = await planReplacement(old, by, this.flags.erase);
    const all = [...steps, ...afterCopy];
    for (const step of all) this.log(describeStep(step, ''));
    if (this.flags['dry-run']) return { steps: all, done: false };
    if (!(await confirm(`do these ${all.length} things? what ${by} holds is lost;`, this.flags.yes)))
      return { steps: all, done: false };
    await replaceDisk(steps, (what) => this.note(what));
    if (this.flags['no-wait']) {
      this.log(`${by}: is given its copy (cat /proc/mdstat); once it has it, the same again does the rest`);
      return { steps: all, done: false };
    }
    await watchRebuild(disk, (what) => this.note(what));
    await replaceDisk(afterCopy, (what) => this.note(what));
    this.log(`${by}: has its copy`);
    return { steps: all, done: true };
  }
}
