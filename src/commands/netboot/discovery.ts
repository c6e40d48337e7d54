import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class NetbootDiscovery extends BaseCommand<typeof NetbootDiscovery> {
  static override description =
    'build the small Linux that finds a machine by LLDP and registers it, for an iPXE that has none';
  static override examples = [
    '<%= config.bin %> netboot discovery',
    '<%= config.bin %> netboot discovery --kernel /srv/linux-image-6.1.0-amd64',
  ];
  static override flags = {
    kernel: Flags.string({
      description: 'an unpacked Debian kernel package; left out: this host',
      default: '/',
      helpValue: 'TREE',
    }),
    out: Flags.string({
      description: 'where it goes; left out: discovery/ among the files that netboot serves',
      helpValue: 'DIR',
    }),
  };

  async run() {
    const { buildDiscovery } = await import('../../lib/netboot/discovery.ts');
    const outDir = this.flags.out ?? (await this.defaultDir());
    const built = await buildDiscovery({
      kernelTree: this.flags.kernel,
      outDir,
      onProgress: (text) => this.note(text),
    });
    this.log(`${built.initrd}  kernel ${built.kernelVersion}  ${(built.sizeBytes / 1e6).toFixed(1)} MB`);
    return built;
  }

  private async defaultDir(): Promise<string> {
    const site = await this.site();
    return site.statePath(site.config.netboot.filesDir, 'discovery');
  }
}
