import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { ProloError } from '../../lib/errors.ts';
import type { FeedName } from '../../lib/store/change-log.ts';

export default class FeedTail extends BaseCommand<typeof FeedTail> {
  static override description = `follow a sync feed: the whole state, then every change as it happens

Reads it over HTTP like any consumer, so that it shows what they see. With --json, a JSON object a line.`;
  static override examples = [
    '<%= config.bin %> feed tail mdb',
    '<%= config.bin %> feed tail udb --once',
    '<%= config.bin %> feed tail mdb --json',
  ];
  static override enableJsonFlag = false; // a result that never ends is not one object
  static override args = {
    feed: Args.string({
      description: 'which one',
      options: ['mdb', 'udb', 'presence', 'contest'],
      required: true,
    }),
  };
  static override flags = {
    json: Flags.boolean({ description: 'print JSON, an object a line', helpGroup: 'GLOBAL' }),
    once: Flags.boolean({ description: 'print the state and end' }),
  };

  async run(): Promise<void> {
    const [{ tailFeed }, { describeChange }] = await Promise.all([
      import('../../lib/feed/tail.ts'),
      import('../../lib/feed/describe.ts'),
    ]);
    const feed = this.args.feed as FeedName;
    const end = new AbortController();
    let failure: ProloError | undefined;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
    await tailFeed({
      site: await this.site(),
      feed,
      signal: end.signal,
      onChanges: (changes) => {
        for (const change of changes)
          this.log(
            this.flags.json
              ? JSON.stringify(change)
              : describeChange(feed, change.kind, change.before, change.after),
          );
        if (this.flags.once) end.abort();
      },
      onTrouble: (error, waitMs) => {
        if (this.flags.once) {
          failure = error;
          end.abort();
        } else {
          this.note(`${error.message}; trying again in ${(waitMs / 1000).toFixed(1)} s`);
          if (error.hint) this.note(`  ${error.hint}`);
        }
      },
    });
    if (failure) throw failure;
  }
}
