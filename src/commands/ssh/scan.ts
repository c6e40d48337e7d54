import { BaseCommand } from '../../base-command.ts';
import { connectFlags, selectionArgs, selectionFlags } from '../../lib/ssh/flags.ts';

export default class SshScan extends BaseCommand<typeof SshScan> {
  static override description = `ask machines for their host keys, and record those that are new

Do it while nobody else is on the network: the first key that is seen is believed. Nothing runs there, and nobody logs in.`;
  static override examples = [
    '<%= config.bin %> ssh scan @alive',
    '<%= config.bin %> ssh scan @mtype:service',
  ];
  static override strict = false;
  static override args = selectionArgs;
  static override flags = {
    ...selectionFlags,
    port: connectFlags.port,
    fanout: connectFlags.fanout,
    'connect-timeout': connectFlags['connect-timeout'],
  };

  async run() {
    const [{ chooseMachines }, { scanKeys }, { table }] = await Promise.all([
      import('../../lib/ssh/choose.ts'),
      import('../../lib/ssh/scan.ts'),
      import('../../lib/cli/table.ts'),
    ]);
    const site = await this.site();
    const machines = await chooseMachines(site, () => this.store(), { ...this.flags, words: this.words });
    const scanned = await scanKeys(site, machines, this.flags, (text) => this.note(text));
    this.log(
      table(
        ['hostname', 'state', 'fingerprint', 'what'],
        scanned.map(({ hostname, state, fingerprint, reason }) => [hostname, state, fingerprint, reason]),
      ),
    );
    if (scanned.some(({ state }) => state === 'refused' || state === 'unreachable')) process.exitCode = 1;
    return { machines: scanned };
  }
}
