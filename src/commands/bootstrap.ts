import { existsSync } from 'node:fs';
import { Args, Flags } from '@oclif/core';
import { DestructiveCommand } from '../destructive-command.ts';
import type { BootstrapOptions } from '../lib/bootstrap/options.ts';

export default class Bootstrap extends DestructiveCommand<typeof Bootstrap> {
  static override summary = 'make a server of bare disks: RAID1, LVM, Debian or Arch, GRUB on every disk';
  static override description = `Run it on the new server, from any live system. Each disk alone can start the machine, by BIOS or UEFI. A disk that holds anything is \
refused, unless it is named twice: once as a disk, once with --erase. A run that was broken off is completed by the same command. \
Afterwards, in the new system, \`prolo install\` does the rest.`;
  static override examples = [
    '<%= config.bin %> bootstrap /dev/sda /dev/sdb --host gw --key id.pub --dry-run',
    '<%= config.bin %> bootstrap /dev/sda /dev/sdb --host gw --key id.pub --erase /dev/sdb',
    '<%= config.bin %> bootstrap /dev/sda /dev/sdb --host rhfs01 --key id.pub --root-size 40G --volume export=400G:/export',
    '<%= config.bin %> bootstrap --make-base server.tar.zst',
    '<%= config.bin %> bootstrap /dev/sda /dev/sdb --host gw --key id.pub --base server.tar.zst',
  ];
  static override strict = false;
  static override args = {
    disk: Args.string({ description: 'two disks or more, such as /dev/disk/by-id/…' }),
  };
  static override flags = {
    host: Flags.string({ description: 'its hostname', helpValue: 'NAME' }),
    erase: Flags.string({
      description: 'this disk may lose what it holds',
      helpValue: 'DISK',
      multiple: true,
      multipleNonGreedy: true,
    }),
    key: Flags.string({
      description: 'who may log in as root: a file of public SSH keys',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    password: Flags.boolean({ description: 'ask for a password of root, for the console' }),
    distribution: Flags.option({ options: ['debian', 'arch'] as const, default: 'debian' as const })({
      description: 'what it runs',
    }),
    suite: Flags.string({ description: 'Debian’s release', helpValue: 'NAME', default: 'bookworm' }),
    mirror: Flags.string({ description: 'where packages come from', helpValue: 'URL' }),
    base: Flags.string({ description: 'unpack this in place of packages', helpValue: 'FILE' }),
    'make-base': Flags.string({ description: 'only make such a file, of packages', helpValue: 'FILE' }),
    kernel: Flags.string({ description: 'the package of its kernel', helpValue: 'PACKAGE' }),
    package: Flags.string({
      description: 'one package more',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'root-size': Flags.string({ description: 'left out: all that is left', helpValue: '40G' }),
    'swap-size': Flags.string({ description: 'left out: no swap', helpValue: '8G' }),
    volume: Flags.string({
      description: 'a filesystem of its own',
      helpValue: 'NAME=SIZE:FOLDER',
      multiple: true,
      multipleNonGreedy: true,
    }),
    address: Flags.string({ description: 'left out: asks DHCP', helpValue: '10.1.2.3/8' }),
    gateway: Flags.string({ description: 'its way out', helpValue: 'IP' }),
    dns: Flags.string({
      description: 'its name server',
      helpValue: 'IP',
      multiple: true,
      multipleNonGreedy: true,
    }),
    nic: Flags.string({ description: 'left out: every NIC', helpValue: 'NIC' }),
    serial: Flags.string({ description: 'a console beside the screen', helpValue: 'ttyS0' }),
    timezone: Flags.string({ description: 'its time zone', helpValue: 'ZONE', default: 'Europe/Paris' }),
    'dry-run': Flags.boolean({ char: 'n', description: 'only show each step, with its commands' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
  };

  /** On a live system there is no site that could be locked. */
  protected override makesSite(): boolean {
    const { config = process.env.PROLO_CONFIG } = this.flags;
    return !(config === undefined ? ['prolo.yml', '/etc/prolo/prolo.yml'] : [config]).some((file) =>
      existsSync(file),
    );
  }

  async run() {
    const { flags, words } = this;
    const { readOptions } = await import('../lib/bootstrap/read-options.ts');
    const options = await readOptions(flags);
    if (flags['make-base'] !== undefined) return this.makeBase(options, flags['make-base']);
    const [{ plan, bootstrap }, { describeStep }, { describeDisk }] = await Promise.all([
      import('../lib/bootstrap/run.ts'),
      import('../lib/bootstrap/describe.ts'),
      import('../lib/bootstrap/disk.ts'),
    ]);
    const planned = await plan(words, flags.erase ?? [], options);
    const { disks, verdict } = planned;
    const result = {
      disks: disks.map(({ path, serial, model, size }) => ({ path, serial, model, size })),
      verdict,
    };
    if (flags['dry-run']) {
      for (const disk of disks) this.log(`# ${describeDisk(disk)}`);
      for (const step of planned.steps) this.log(describeStep(step));
      return { ...result, steps: planned.steps, made: false };
    }
    const { confirm } = await import('../lib/cli/confirm.ts');
    for (const text of planned.holds) this.note(text);
    const names = disks.map(describeDisk).join(' and ');
    const question =
      verdict === 'half'
        ? `go on with ${names}?`
        : `make ${options.host} of ${names}? what they hold is lost;`;
    if (!(await confirm(question, flags.yes))) return { ...result, made: false };
    if (flags.password) options.passwordHash = await this.askPassword();
    const done = await bootstrap({ ...planned, options, onStep: (what) => this.note(what) });
    this.log(`${options.host}: made; start it from its disks, then \`prolo install\` there`);
    this.note('the mirror makes its second copy now, and goes on after a restart: cat /proc/mdstat');
    return { ...result, ...done, made: true };
  }

  private async makeBase(options: BootstrapOptions, file: string) {
    const { makeBase } = await import('../lib/bootstrap/base.ts');
    const { archiveArgv } = await import('../lib/bootstrap/packages.ts');
    if (this.flags['dry-run']) {
      this.log(archiveArgv(options, file).join(' '));
      return { file, made: false };
    }
    await makeBase(options, file, (what) => this.note(what));
    this.log(`${file}: made; prolo bootstrap DISK DISK --base ${file} unpacks it`);
    return { file, made: true };
  }

  private async askPassword(): Promise<string> {
    const [{ askHidden }, { hashPassword }] = await Promise.all([
      import('../lib/cli/ask-hidden.ts'),
      import('../lib/udb/sha-crypt.ts'),
    ]);
    return hashPassword(await askHidden('password of root', 'leave out --password, and log in by key'));
  }
}
