import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class PresenceLogout extends BaseCommand<typeof PresenceLogout> {
  static override description = `end sessions: these logins may log on elsewhere at once

What runs on their machines is not touched; heartbeats of the ended sessions are refused from then on.`;
  static override examples = [
    '<%= config.bin %> presence logout jdoe',
    '<%= config.bin %> presence logout jdoe asmith --json',
  ];
  static override args = {
    logins: Args.string({ description: 'whose sessions', required: true, multiple: true }),
  };

  async run() {
    const [{ readSessions }, { tellPresence }, { asProloError, ProloError }] = await Promise.all([
      import('../../lib/presence/source.ts'),
      import('../../lib/presence/client.ts'),
      import('../../lib/errors.ts'),
    ]);
    const site = await this.site();
    const sessions = await readSessions(site, () => this.store());
    const chosen = [...new Set(this.args.logins)].map((login) => {
      const session = sessions.find((one) => one.login === login);
      if (session) return session;
      throw new ProloError('not-found', `login ${JSON.stringify(login)}: not logged on`, {
        hint: '`prolo presence list` shows those that are',
      });
    });
    for (const session of chosen) {
      const { login, hostname } = session;
      try {
        const { status, text } = await tellPresence(site, 'logout', session);
        if (status !== 200)
          throw new ProloError(status === 403 ? 'forbidden' : 'conflict', `presencesync: ${text}`);
        if (site.config.database) await this.noteWho(login, hostname);
      } catch (error) {
        if (!site.config.database || !isRefusedConnection(asProloError(error))) throw error;
        const { endInStore } = await import('../../lib/presence/end.ts');
        await endInStore(await this.store(), this.actor, [session]);
        this.note('presencesync does not run: written into the database');
      }
      this.log(`${login}: logged out of ${hostname}`);
    }
    return chosen;
  }

  /** presencesync knows the address alone. */
  private async noteWho(login: string, hostname: string): Promise<void> {
    const [{ audit }, { transact }] = await Promise.all([
      import('../../lib/store/change-log.ts'),
      import('../../lib/store/store.ts'),
    ]);
    await transact(await this.store(), (tx) =>
      audit(tx, this.actor, 'presence logout', `${login} at ${hostname}`),
    );
  }
}

/** Nobody listens there: a daemon that is slow, or says no, is the one that writes. */
function isRefusedConnection(error: Error): boolean {
  for (let one: unknown = error; one instanceof Error; one = one.cause)
    if ((one as NodeJS.ErrnoException).code === 'ECONNREFUSED') return true;
  return false;
}
