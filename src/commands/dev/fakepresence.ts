import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { Pair } from '../../lib/presence/state.ts';

export default class DevFakepresence extends BaseCommand<typeof DevFakepresence> {
  static override description = `pretend that people sit at machines, until a signal ends it

Logs them on, sends their heartbeats, and logs them out at the end. Runs on the gateway, which may speak for every machine.`;
  static override examples = [
    '<%= config.bin %> dev fakepresence jdoe@pas-r01p01',
    '<%= config.bin %> dev fakepresence jdoe pas-r01p01',
    '<%= config.bin %> dev fakepresence --count 50',
  ];
  static override enableJsonFlag = false;
  static override strict = false;
  static override args = {
    seats: Args.string({
      description: 'LOGIN, LOGIN@MACHINE, or LOGIN MACHINE; a machine left out: any free one',
    }),
  };
  static override flags = {
    count: Flags.integer({
      description: 'so many more, random contestants',
      default: 0,
      min: 0,
      helpValue: 'N',
    }),
    for: Flags.integer({ description: 'end after so many seconds', min: 1, helpValue: 'S' }),
  };

  async run(): Promise<void> {
    const [{ planFakes }, { readSessions }, { readMachines }, { readPublicUsers }, { ProloError }] =
      await Promise.all([
        import('../../lib/presence/fake.ts'),
        import('../../lib/presence/source.ts'),
        import('../../lib/mdb/source.ts'),
        import('../../lib/udb/source.ts'),
        import('../../lib/errors.ts'),
      ]);
    const site = await this.site();
    const store = () => this.store();
    const words = this.words;
    const count = this.flags.count;
    if (words.length + count === 0)
      throw new ProloError('bad-input', 'fakepresence: nobody named', {
        hint: 'name logins, or say --count N',
      });
    const machines = await readMachines(site, store);
    const users = await readPublicUsers(site, store);
    const taken = await readSessions(site, store);
    const pairs = planFakes({ words, count }, machines, users, taken, Math.random);
    const end = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
    if (this.flags.for !== undefined) setTimeout(() => end.abort(), this.flags.for * 1000).unref();
    await this.pretend(pairs, end.signal);
  }

  private async pretend(pairs: readonly Pair[], signal: AbortSignal): Promise<void> {
    const [{ tellPresence }, { setTimeout: sleep }] = await Promise.all([
      import('../../lib/presence/client.ts'),
      import('node:timers/promises'),
    ]);
    const site = await this.site();
    const seated: Pair[] = [];
    let refused = 0;
    try {
      for (const pair of pairs) {
        if (signal.aborted) break;
        const { status, text } = await tellPresence(site, 'login', pair);
        if (status === 200) seated.push(pair);
        else refused++;
        this.log(`${pair.login} at ${pair.hostname}: ${status === 200 ? 'logged on' : text}`);
      }
      if (refused > 0) process.exitCode = 1;
      if (seated.length > 0) this.log('ready');
      const everyMs = (site.config.presence.timeoutSeconds * 1000) / 2;
      while (seated.length > 0 && !signal.aborted) {
        await sleep(everyMs, undefined, { signal }).catch(() => undefined);
        if (!signal.aborted) await this.heartbeats(seated);
      }
    } finally {
      for (const pair of seated)
        await tellPresence(site, 'logout', pair).catch((error: unknown) => this.note(String(error)));
      this.note(`${seated.length} logged out`);
    }
  }

  private async heartbeats(seated: readonly Pair[]): Promise<void> {
    const { tellPresence } = await import('../../lib/presence/client.ts');
    const site = await this.site();
    for (const pair of seated)
      try {
        const { status, text } = await tellPresence(site, 'heartbeat', pair);
        if (status !== 200) this.note(`${pair.login} at ${pair.hostname}: ${text}`);
      } catch (error) {
        this.note(`${pair.login} at ${pair.hostname}: ${(error as Error).message}`);
      }
  }
}
