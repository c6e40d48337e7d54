import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';

export default class Lock extends BaseCommand<typeof Lock> {
  static override summary = 'refuse what would destroy something, until `prolo unlock`';
  static override description = `Commands that delete, move, reset, log out or switch off are refused, unless they are given --override REASON; that is logged. \
Without --reason: whether the site is locked, why and by whom.`;
  static override examples = [
    '<%= config.bin %> lock --reason "the finals have begun"',
    '<%= config.bin %> lock',
    '<%= config.bin %> mdb rm pas-r01p01 --override "it burns"',
  ];
  static override flags = {
    reason: Flags.string({ description: 'why, for those who are refused', helpValue: 'TEXT' }),
  };

  async run() {
    const { lockSite, readLock } = await import('../lib/site-lock.ts');
    const store = await this.store();
    const reason = this.flags.reason?.trim();
    if (reason) await lockSite(store, { reason, by: this.actor, at: new Date().toISOString() });
    else if (this.flags.reason !== undefined) {
      const { ProloError } = await import('../lib/errors.ts');
      throw new ProloError('bad-input', 'lock: --reason is empty');
    }
    const lock = await readLock(store.knex);
    this.log(
      lock
        ? `locked by ${lock.by} since ${lock.at.slice(0, 16).replace('T', ' ')} UTC: ${lock.reason}`
        : 'not locked',
    );
    return { lock: lock ?? null };
  }
}
