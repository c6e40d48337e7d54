import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class SshPcKey extends BaseCommand<typeof SshPcKey> {
  static override description = `the host key that PCs of the site's root share

Prints its public half. With --root, sshd of whatever boots that root shows it; the next \`prolo rfs commit\` brings it to the PCs.`;
  static override examples = [
    '<%= config.bin %> ssh pc-key',
    '<%= config.bin %> ssh pc-key --root /srv/prolo/staging',
  ];
  static override flags = {
    root: Flags.string({ description: 'a root filesystem that gets the key', helpValue: 'DIR' }),
  };

  async run() {
    const [{ pcSecret }, { fingerprint, hostKeyOfSecret }] = await Promise.all([
      import('../../lib/ssh/known-hosts.ts'),
      import('../../lib/ssh/host-key.ts'),
    ]);
    const key = hostKeyOfSecret(pcSecret(await this.site()));
    const { root } = this.flags;
    if (root !== undefined) {
      const { installHostKey } = await import('../../lib/ssh/install-host-key.ts');
      this.note(`${await installHostKey(root, key)}: written`);
    }
    this.log(key.publicText);
    this.note(fingerprint(key.publicKey));
    return { key: key.publicText, fingerprint: fingerprint(key.publicKey) };
  }
}
