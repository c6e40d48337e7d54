import { Flags } from '@oclif/core';
import { DestructiveCommand } from '../../destructive-command.ts';

export default class RfsInit extends DestructiveCommand<typeof RfsInit> {
  static override summary = 'make staging, the root filesystem that roots change, of packages';
  static override description = `Profiles are lists of packages: base, desktop, extra, or rfs/NAME.txt beside prolo.yml. Staging is made beside the one that is \
there, and takes its place when it is whole; versions that were made of that one stay.`;
  static override examples = [
    '<%= config.bin %> rfs init --dry-run',
    '<%= config.bin %> rfs init',
    '<%= config.bin %> rfs init --profile base --profile desktop',
  ];
  static override flags = {
    profile: Flags.string({
      description: 'in place of rfs.profiles in prolo.yml; base is always in',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'dry-run': Flags.boolean({ char: 'n', description: 'only show what would be installed, and from where' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask before staging is replaced' }),
  };

  async run() {
    const [{ checkInitHost, initRoot, planInit }, { hasStaging, stagingOf }, { confirm }] = await Promise.all(
      [
        import('../../lib/rfs/root/init.ts'),
        import('../../lib/rfs/staging.ts'),
        import('../../lib/cli/confirm.ts'),
      ],
    );
    const site = await this.site();
    const plan = await planInit(site, this.flags.profile);
    const { distribution, suite, sources, packages } = plan;
    const staging = stagingOf(site);
    const result = { staging, distribution, suite, sources, packages };
    if (this.flags['dry-run']) {
      this.log(
        `${staging}: ${distribution === 'arch' ? 'arch' : `${distribution} ${suite}`}, ${packages.length} packages and what they need`,
      );
      for (const source of sources) this.log(source);
      for (const name of packages) this.log(`+ ${name}`);
      return { ...result, made: false };
    }
    checkInitHost(plan);
    const question = `replace ${staging}? what was changed in it by hand is lost, versions stay;`;
    if (hasStaging(site) && !(await confirm(question, this.flags.yes))) return { ...result, made: false };
    await initRoot(site, plan, { actor: this.actor, onStep: (what) => this.note(`staging: ${what}`) });
    this.log(`${staging}: made; \`prolo rfs commit -m MESSAGE\` makes a version of it`);
    return { ...result, made: true };
  }
}
