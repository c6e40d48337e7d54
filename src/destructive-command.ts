import { type Command, Flags } from '@oclif/core';
import { BaseCommand } from './base-command.ts';
import { ProloError } from './lib/errors.ts';

/** A command that a locked site refuses: what it does cannot be undone, or puts somebody out. A dry run is always let through. */
export abstract class DestructiveCommand<T extends typeof Command = typeof Command> extends BaseCommand<T> {
  static override baseFlags = {
    ...BaseCommand.baseFlags,
    override: Flags.string({
      description: 'do it although the site is locked; the reason is logged',
      helpValue: 'REASON',
      helpGroup: 'GLOBAL',
    }),
  };

  override async init(): Promise<void> {
    await super.init();
    const { override } = this.flags as { override?: string };
    const site = this.onlyLooks() || this.makesSite() ? undefined : await this.site();
    // Only the gateway has the database, and with it the lock.
    if (!site?.config.database) return;
    const { passLock } = await import('./lib/site-lock.ts');
    const store = await this.store().catch((error: unknown) => {
      if (this.mendsStore() && error instanceof ProloError && error.kind === 'unavailable') return undefined;
      throw error;
    });
    if (store) await passLock(store, this.actor, this.id!.replaceAll(':', ' '), override);
  }

  /** Whether there is no site yet that could be locked, and this call may make one. */
  protected makesSite(): boolean {
    return false;
  }

  /** Whether this call may be what makes the database answer: where that is silent, no lock is asked for. */
  protected mendsStore(): boolean {
    return false;
  }

  /** Whether this call changes nothing. */
  protected onlyLooks(): boolean {
    return (this.flags as { 'dry-run'?: boolean })['dry-run'] === true;
  }
}
