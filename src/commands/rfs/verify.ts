import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class RfsVerify extends BaseCommand<typeof RfsVerify> {
  static override summary = 'read every byte of versions on every server, and compare with what was signed';
  static override description = `The gateway's own copy too. What is found is remembered: nobody rolls back to a damaged copy. --repair writes the right \
bytes into the files that are there, so machines that run that version go on. Any damage, or a server that does not answer, is exit status 1.`;
  static override examples = [
    '<%= config.bin %> rfs verify',
    '<%= config.bin %> rfs verify 7 finals',
    '<%= config.bin %> rfs verify --repair',
  ];
  static override strict = false;
  static override usage = '<%= command.id %> [VERSION…] [--repair]';
  static override flags = {
    repair: Flags.boolean({ description: 'write the right bytes over the wrong ones' }),
  };

  async run() {
    const [{ verify }, { isBad }, { listTags, resolveVersion }, { describeChecked }] = await Promise.all([
      import('../../lib/rfs/verify.ts'),
      import('../../lib/rfs/verify-decide.ts'),
      import('../../lib/rfs/tag.ts'),
      import('../../lib/rfs/describe-verify.ts'),
    ]);
    const store = await this.store();
    const tags = this.words.length > 0 ? await listTags(store.knex) : [];
    const versions = this.words.map((word) => resolveVersion(tags, word));
    const checked = await verify(await this.site(), store, {
      versions: versions.length > 0 ? versions : undefined,
      repair: this.flags.repair,
      actor: this.actor,
      onChecked: (one) => this.note(describeChecked(one)),
      onStep: (hostname, what) => this.note(`${hostname}: ${what}`),
    });
    const bad = checked.filter(isBad);
    const mended = checked.filter(({ repaired }) => repaired).length;
    const counted = (values: unknown[], one: string): string => {
      const count = new Set(values).size;
      return `${count} ${one}${count === 1 ? '' : 's'}`;
    };
    const versionsRead = counted(
      checked.map(({ version }) => version),
      'version',
    );
    const places = counted(
      checked.map(({ hostname }) => hostname),
      'place',
    );
    if (checked.length === 0) this.log('no version yet: nothing to read');
    else
      this.log(
        `${versionsRead} at ${places}: ` +
          [
            ...(bad.length === 0
              ? ['every byte is as it was committed']
              : [`${bad.length} not as committed`]),
            ...(mended > 0 ? [`${mended} mended`] : []),
          ].join(', '),
      );
    if (bad.length > 0) process.exitCode = 1;
    return { checked };
  }
}
