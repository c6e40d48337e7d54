import type { BlockDevice } from './disk.ts';
import { espMount, systemFiles } from './files.ts';
import { TARGET } from './judge.ts';
import { KNOWN_DISKS, knownDisk, knownDisksText, type Places } from './known-disks.ts';
import type { BootstrapOptions, Ids } from './options.ts';
import { fillArgv } from './packages.ts';
import { argvs, type Step } from './step.ts';

const KEPT_SERVICES = ['systemd-networkd.service', 'systemd-resolved.service', 'systemd-timesyncd.service'];

/** From empty filesystems to a system that starts. */
export function systemSteps(
  disks: readonly BlockDevice[],
  options: BootstrapOptions,
  ids: Ids,
  places: Places,
): Step[] {
  const { distribution, passwordHash, timezone } = options;
  const isArch = distribution === 'arch';
  const within = (...argv: string[]): string[] => ['chroot', TARGET, ...argv];
  // Private: what this machine mounts below meanwhile must not be unmounted with it.
  const bind = (path: string): string[] => ['mount', '--bind', '--make-private', path, `${TARGET}${path}`];
  const grub = (target: string, ...more: string[]): string[] =>
    within('grub-install', `--target=${target}`, '--recheck', ...more);
  return [
    {
      name: 'base',
      what:
        options.base === undefined
          ? `${distribution}, from its packages`
          : `${distribution}, from ${options.base}`,
      when: 'system',
      actions: argvs(fillArgv(options, TARGET)),
    },
    {
      name: 'enter',
      what: 'gives it this machine’s devices',
      when: 'always',
      actions: argvs(...['/dev', '/proc', '/sys', '/run'].map(bind)),
    },
    {
      name: 'configure',
      what: 'who it is, its disks, its network, who may log in',
      when: 'system',
      actions: [
        ...systemFiles(options, ids).map((file) => ({ file })),
        {
          file: {
            path: KNOWN_DISKS,
            text: knownDisksText(disks.map((disk) => knownDisk(disk, places))),
          },
        },
        { link: '/etc/localtime', to: `/usr/share/zoneinfo/${timezone}` },
        { link: '/etc/resolv.conf', to: '/run/systemd/resolve/stub-resolv.conf' },
        // An archive was unpacked elsewhere too.
        { argv: ['find', `${TARGET}/etc/ssh`, '-name', 'ssh_host_*', '-delete'] },
        { argv: within('ssh-keygen', '-A') },
        ...(passwordHash === undefined
          ? [{ argv: within('passwd', '--lock', 'root') }]
          : [{ argv: within('chpasswd', '--encrypted'), input: `root:${passwordHash}\n`, secret: true }]),
        { argv: within('systemctl', 'enable', isArch ? 'sshd.service' : 'ssh.service', ...KEPT_SERVICES) },
      ],
    },
    { name: 'prolo', what: 'prolo, as /usr/bin/prolo', when: 'system', actions: [{ prolo: true }] },
    {
      name: 'initramfs',
      what: 'an initramfs that finds the mirror',
      when: 'system',
      actions: argvs(isArch ? within('mkinitcpio', '-P') : within('update-initramfs', '-c', '-k', 'all')),
    },
    {
      name: 'grub',
      what: 'a boot loader on every disk, for BIOS and UEFI',
      when: 'system',
      actions: argvs(
        ...disks.map(({ path }) => grub('i386-pc', path)),
        ...disks.map((_, index) =>
          // Where firmware looks on any disk: nothing of it is in this machine’s memory.
          grub('x86_64-efi', `--efi-directory=${espMount(index)}`, '--removable', '--no-nvram'),
        ),
        within('grub-mkconfig', '-o', '/boot/grub/grub.cfg'),
      ),
    },
  ];
}
