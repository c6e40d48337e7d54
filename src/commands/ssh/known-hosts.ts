import { BaseCommand } from '../../base-command.ts';

export default class SshKnownHosts extends BaseCommand<typeof SshKnownHosts> {
  static override description = `print the host keys of all machines, for OpenSSH

Names and addresses are those that MDB has now. The same is then in ssh/known_hosts of the site's state folder.`;
  static override examples = ['<%= config.bin %> ssh known-hosts > /etc/ssh/ssh_known_hosts'];

  async run() {
    const [{ readMachines }, { rewriteKnownHosts }, { renderKnownHosts }, { describeKey }] =
      await Promise.all([
        import('../../lib/mdb/source.ts'),
        import('../../lib/ssh/known-hosts.ts'),
        import('../../lib/ssh/known-hosts-text.ts'),
        import('../../lib/ssh/host-key.ts'),
      ]);
    const site = await this.site();
    const keys = await rewriteKnownHosts(site, await readMachines(site, () => this.store()));
    this.log(renderKnownHosts(keys).trimEnd());
    return { keys: keys.map(({ key, ...machine }) => ({ ...machine, ...describeKey(key) })) };
  }
}
