import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class SiteSecrets extends BaseCommand<typeof SiteSecrets> {
  static override description = `list the site's secrets by name, and which hosts have them

A site that was made by an older prolo lacks those that are newer.`;
  static override examples = [
    '<%= config.bin %> site secrets',
    '<%= config.bin %> site secrets --add-missing',
  ];
  static override flags = {
    'add-missing': Flags.boolean({
      description: 'make those that are not there; the others stay as they are',
    }),
  };

  async run() {
    const [{ addMissingSecrets, listSecrets }, { table }] = await Promise.all([
      import('../../lib/site/add-secrets.ts'),
      import('../../lib/cli/table.ts'),
    ]);
    const site = await this.site();
    const added = this.flags['add-missing'] ? await addMissingSecrets(site) : [];
    const secrets = listSecrets(site);
    this.log(
      table(
        ['secret', 'there', 'roles'],
        secrets.map(({ name, there, roles }) => [
          name,
          added.includes(name) ? 'new' : there ? 'yes' : 'no',
          roles.join(', '),
        ]),
      ),
    );
    if (added.length > 0)
      this.note(
        'start the daemons again, write the secrets of other hosts with `prolo site export`, and those of PCs with `prolo rfs configure`',
      );
    else if (site.config.database && secrets.some(({ there }) => !there))
      this.note('--add-missing makes those that are not there');
    return { secrets, added };
  }
}
