import { BaseCommand } from '../../base-command.ts';
import { selectionArgs, selectionFlags, touchFlags } from '../../lib/ssh/flags.ts';

export default class SshForget extends BaseCommand<typeof SshForget> {
  static override description = `forget the host keys of machines that were set up anew

The next key that each shows is believed. Where it was not set up anew, somebody else may answer there: look first.`;
  static override examples = [
    '<%= config.bin %> ssh forget pas-r01p01',
    '<%= config.bin %> ssh forget @mtype:user --dry-run',
  ];
  static override strict = false;
  static override args = selectionArgs;
  static override flags = { ...selectionFlags, ...touchFlags };

  async run() {
    const [{ chooseMachines }, { readMachines }, { knownKeys, rewriteKnownHosts }, { describeKey }] =
      await Promise.all([
        import('../../lib/ssh/choose.ts'),
        import('../../lib/mdb/source.ts'),
        import('../../lib/ssh/known-hosts.ts'),
        import('../../lib/ssh/host-key.ts'),
      ]);
    const [{ confirm }, { table }] = await Promise.all([
      import('../../lib/cli/confirm.ts'),
      import('../../lib/cli/table.ts'),
    ]);
    const site = await this.site();
    const machines = await chooseMachines(
      site,
      () => this.store(),
      { ...this.flags, words: this.words },
      { bare: 'refuse' },
    );
    const macs = new Set(machines.map(({ mac }) => mac));
    const names = new Map(machines.map(({ mac, hostname }) => [mac, hostname]));
    const keys = (await knownKeys(site))
      .filter(({ mac }) => macs.has(mac))
      .map(({ mac, key }) => ({ hostname: names.get(mac), ...describeKey(key) }));
    if (keys.length === 0) {
      this.log('no key of theirs is known');
      return { forgotten: [] };
    }
    this.log(
      table(
        ['hostname', 'type', 'fingerprint'],
        keys.map(({ hostname, type, fingerprint }) => [hostname, type, fingerprint]),
      ),
    );
    if (this.flags['dry-run']) return { forgotten: [], wouldForget: keys };
    if (!(await confirm(`forget ${keys.length} host keys?`, this.flags.yes))) return { forgotten: [] };
    await rewriteKnownHosts(site, await readMachines(site, () => this.store()), ({ mac }) => !macs.has(mac));
    return { forgotten: keys };
  }
}
