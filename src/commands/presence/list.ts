import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class PresenceList extends BaseCommand<typeof PresenceList> {
  static override summary = 'list who is logged on where, and since when; or who was';
  static override description = `With --at, on the gateway: to whom a connection in the firewall’s log leads. Times are this host’s.`;
  static override examples = [
    '<%= config.bin %> presence list',
    '<%= config.bin %> presence list pas-r01p01',
    '<%= config.bin %> presence list 192.168.0.12 --at 14:03:22',
    '<%= config.bin %> presence list --at "2026-05-02 14:03" --json',
  ];
  static override args = {
    who: Args.string({ description: 'only this address, machine or login' }),
  };
  static override flags = {
    at: Flags.string({ description: 'who was, at that time', helpValue: 'TIME' }),
  };

  async run() {
    const { at } = this.flags;
    const { who } = this.args;
    const sessions = (at === undefined ? await this.now() : await this.then(at)).filter(
      ({ login, hostname, ip }) => who === undefined || [login, hostname, ip].includes(who),
    );
    const [{ table }, { hostTime }] = await Promise.all([
      import('../../lib/cli/table.ts'),
      import('../../lib/cli/host-time.ts'),
    ]);
    const last = (one: (typeof sessions)[number]): string =>
      'room' in one ? one.room : one.until === null ? '-' : hostTime(one.until);
    this.log(
      table(
        ['login', 'machine', 'ip', 'since', at === undefined ? 'room' : 'until'],
        sessions.map((one) => [one.login, one.hostname, one.ip, hostTime(one.since), last(one)]),
      ),
    );
    if (who !== undefined && sessions.length === 0) this.note(`${who}: nobody ${at === undefined ? 'is' : 'was'} logged on there`); // prettier-ignore
    return sessions;
  }

  private async now() {
    const { readSessions } = await import('../../lib/presence/source.ts');
    return readSessions(await this.site(), () => this.store());
  }

  private async then(at: string) {
    const [{ readSessionsAt }, { hostTime, parseTime }, { ProloError }] = await Promise.all([
      import('../../lib/presence/history.ts'),
      import('../../lib/cli/host-time.ts'),
      import('../../lib/errors.ts'),
    ]);
    const now = new Date();
    const time = parseTime(at, now);
    // An hour alone is one of today: of the night before it would answer that nobody was there.
    if (time > now.toISOString())
      throw new ProloError('bad-input', `time ${hostTime(time)}: it has not come yet`, {
        hint: 'another day is written as "2026-05-02 14:03:22"',
      });
    return readSessionsAt((await this.store()).knex, time);
  }
}
