import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class RfsTag extends BaseCommand<typeof RfsTag> {
  static override summary = 'give a version a name';
  static override description = `A name may be said wherever a version is, and keeps it from being pruned. Without words: the names that there are.`;
  static override examples = [
    '<%= config.bin %> rfs tag 7 finals',
    '<%= config.bin %> rfs tag --rm finals',
    '<%= config.bin %> rfs tag',
  ];
  static override args = {
    version: Args.string({ description: 'by number or another tag' }),
    name: Args.string({ description: 'a tag that names another version moves' }),
  };
  static override flags = {
    rm: Flags.string({ description: 'take a name away', helpValue: 'NAME' }),
  };

  async run() {
    const { ProloError } = await import('../../lib/errors.ts');
    const { addTag, listTags, removeTag, resolveVersion } = await import('../../lib/rfs/tag.ts');
    const store = await this.store();
    const { version: word, name } = this.args;
    if (this.flags.rm !== undefined) {
      if (word !== undefined)
        throw new ProloError('bad-input', 'tag: --rm takes a name away, and nothing else at once', {
          hint: 'see --help',
        });
      const was = await removeTag(store, this.actor, this.flags.rm);
      this.log(`${this.flags.rm}: names no version any more (it was ${was})`);
    } else if (word !== undefined) {
      if (name === undefined)
        throw new ProloError('bad-input', `tag: version ${word} by which name?`, {
          hint: '`prolo rfs tag 7 finals`',
        });
      const version = resolveVersion(await listTags(store.knex), word);
      const before = await addTag(store, this.actor, { name, version });
      this.log(`${name}: version ${version}${before === undefined ? '' : ` (it was ${before})`}`);
    }
    const tags = await listTags(store.knex);
    if (this.flags.rm === undefined && word === undefined) {
      const { table } = await import('../../lib/cli/table.ts');
      this.log(
        tags.length > 0
          ? table(
              ['tag', 'version'],
              tags.map((tag) => [tag.name, tag.version]),
            )
          : 'no version has a name: `prolo rfs tag 7 finals` gives it one',
      );
    }
    return { tags };
  }
}
