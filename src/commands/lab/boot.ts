import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { Lab } from '../../lib/lab/lab.ts';

export default class LabBoot extends BaseCommand<typeof LabBoot> {
  static override description =
    'see it work: a sample site with real servers inside this machine, and virtual PCs that register and boot';
  static override examples = [
    '<%= config.bin %> lab boot',
    '<%= config.bin %> lab boot --uefi --guests 2 --keep',
  ];
  static override flags = {
    uefi: Flags.boolean({ description: 'PCs with UEFI instead of a BIOS' }),
    guests: Flags.integer({ description: 'how many PCs', default: 1, min: 1, max: 50 }),
    keep: Flags.boolean({
      description: 'leave the site and its servers up until ^C, and the folder of logs after it',
    }),
    kernel: Flags.string({ description: 'a folder with boot/vmlinuz-* and lib/modules', helpValue: 'TREE' }),
  };

  async run() {
    const [
      { checkLabHost },
      { fetchKernel, kernelDir, needKernel },
      { findKernel },
      { bootInLab },
      { mkdtemp },
      { tmpdir },
      { join },
    ] = await Promise.all([
      import('../../lib/lab/packages.ts'),
      import('../../lib/lab/kernel.ts'),
      import('../../lib/kernel-tree.ts'),
      import('../../lib/lab/boot.ts'),
      import('node:fs/promises'),
      import('node:os'),
      import('node:path'),
    ]);
    checkLabHost();
    const started = Date.now();
    const say = (who: string, what: string): void =>
      this.note(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${who.padEnd(5)} ${what}`);
    if (!this.flags.kernel && !findKernel(kernelDir())) {
      say('lab', `fetches Debian's cloud kernel into ${kernelDir()}`);
      await fetchKernel(kernelDir());
    }
    const kernel = needKernel(this.flags.kernel ?? kernelDir());
    const dir = await mkdtemp(join(tmpdir(), 'prolo-lab-'));
    const { keep, guests } = this.flags;
    const booted = await bootInLab({
      dir,
      kernel,
      guests,
      keep,
      firmware: this.flags.uefi ? 'uefi' : 'bios',
      onEvent: say,
      ...(keep ? { beforeStop: (lab) => this.#untilInterrupted(lab, join(dir, 'site/prolo.yml')) } : {}),
    });
    for (const pc of booted)
      this.log(`${pc.hostname} (${pc.mac}) booted at ${pc.ip} in ${pc.seconds.toFixed(1)} s`);
    if (keep) this.log(`logs and the site are in ${dir}`);
    return { guests: booted, ...(keep ? { dir } : {}) };
  }

  #untilInterrupted(lab: Lab, config: string): Promise<void> {
    const { netns } = lab.network;
    lab.leaveSignals();
    this.note(
      `\nall of it stays up until ^C. Look inside: ip netns exec ${netns} dig @192.168.1.254 alt-r01p01.prolo`,
    );
    this.note(`or change it: prolo mdb list --config ${config}`);
    const forever = setInterval(() => undefined, 60_000);
    return new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const)
        process.once(signal, () => {
          clearInterval(forever);
          resolve();
        });
    });
  }
}
