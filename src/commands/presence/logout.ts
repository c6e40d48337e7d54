import { Args } from '@oclif/core';
import { DestructiveCommand } from '../../destructive-command.ts';

export default class PresenceLogout extends DestructiveCommand<typeof PresenceLogout> {
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
    const [{ readSessions }, { endSession }, { ProloError }] = await Promise.all([
      import('../../lib/presence/source.ts'),
      import('../../lib/presence/end.ts'),
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
    const store = site.config.database ? await this.store() : undefined;
    for (const session of chosen) {
      if (await endSession(site, store, this.actor, session))
        this.note('presencesync does not run: written into the database');
      this.log(`${session.login}: logged out of ${session.hostname}`);
    }
    return chosen;
  }
}
