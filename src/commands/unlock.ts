import { BaseCommand } from '../base-command.ts';

export default class Unlock extends BaseCommand<typeof Unlock> {
  static override description = 'end what `prolo lock` began';
  static override examples = ['<%= config.bin %> unlock'];

  async run() {
    const { unlockSite } = await import('../lib/site-lock.ts');
    const lock = await unlockSite(await this.store(), this.actor);
    this.log(lock ? `no longer locked (${lock.reason})` : 'not locked');
    return { lock: lock ?? null };
  }
}
