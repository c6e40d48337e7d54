import { BaseCommand } from '../../base-command.ts';

export default class SshPcKey extends BaseCommand<typeof SshPcKey> {
  static override description = "print the public half of the host key that PCs of the site's root share";
  static override examples = ['<%= config.bin %> ssh pc-key'];

  async run() {
    const [{ pcSecret }, { fingerprint, hostKeyOfSecret }] = await Promise.all([
      import('../../lib/ssh/known-hosts.ts'),
      import('../../lib/ssh/host-key.ts'),
    ]);
    const { publicKey, publicText } = hostKeyOfSecret(pcSecret(await this.site()));
    this.log(publicText);
    this.note(fingerprint(publicKey));
    return { key: publicText, fingerprint: fingerprint(publicKey) };
  }
}
