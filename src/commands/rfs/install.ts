import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class RfsInstall extends BaseCommand<typeof RfsInstall> {
  static override summary = 'packages into staging, out of it, or newer ones';
  static override description = `With what they need and nothing that they merely recommend. Nothing is asked, nothing starts; machines have them with the next \
version: \`prolo rfs commit\`.`;
  static override usage = [
    '<%= command.id %> PACKAGE… [--dry-run]',
    '<%= command.id %> --remove PACKAGE…',
    '<%= command.id %> --upgrade [PACKAGE…]',
  ];
  static override examples = [
    '<%= config.bin %> rfs install ghc emacs-nox',
    '<%= config.bin %> rfs install firefox-esr --dry-run',
    '<%= config.bin %> rfs install --upgrade',
  ];
  static override strict = false;
  static override args = { package: Args.string({ description: 'their names' }) };
  static override flags = {
    remove: Flags.boolean({ description: 'remove them, and what only they needed', exclusive: ['upgrade'] }),
    upgrade: Flags.boolean({ description: 'newer versions of them; without names: of all' }),
    'dry-run': Flags.boolean({ char: 'n', description: 'only show what would be done' }),
  };

  async run() {
    const [{ installPackages }, { changeText }, { ProloError }] = await Promise.all([
      import('../../lib/rfs/root/install.ts'),
      import('../../lib/rfs/root/packages-changed.ts'),
      import('../../lib/errors.ts'),
    ]);
    const { remove, upgrade, 'dry-run': dryRun } = this.flags;
    if (this.words.length === 0 && !upgrade)
      throw new ProloError('bad-input', 'rfs install: no package is named', {
        hint: 'name some; --upgrade without names is for all',
      });
    const action = remove ? 'remove' : upgrade ? 'upgrade' : 'install';
    const changes = await installPackages(
      await this.site(),
      { action, packages: this.words },
      { actor: this.actor, dryRun, onStep: (what) => this.note(`staging: ${what}`) },
    );
    for (const change of changes) this.log(changeText(change));
    if (changes.length === 0) this.log('nothing to do: staging is as you want it');
    else if (!dryRun && action === 'install')
      this.note('for the next `prolo rfs init` too: write them into rfs.packages in prolo.yml');
    return { changes: changes.map(({ name, from, to }) => ({ name, from: from ?? null, to: to ?? null })) };
  }
}
