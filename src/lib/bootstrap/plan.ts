import { createHash } from 'node:crypto';
import { type BlockDevice, partitionPath } from './disk.ts';
import { ARRAY, espMount, type SystemFile, systemFiles } from './files.ts';
import { halfName, TARGET, takeDownArgv } from './judge.ts';
import { ESP, partitionArgv, partitionScript, RAID, RAID_NAME, raidMib, renameArgv } from './layout.ts';
import { KNOWN_DISKS, knownDisk, knownDisksText, type Places } from './known-disks.ts';
import type { BootstrapOptions, Ids } from './options.ts';
import { fillArgv } from './packages.ts';

export type Action =
  /** `secret`: its input is not shown. */
  | { argv: readonly string[]; input?: string; secret?: boolean }
  /** In the new system. */
  | { file: SystemFile }
  | { link: string; to: string }
  /** Prolo with its Node, in the new system. */
  | { prolo: true };

export interface Step {
  name: string;
  /** For people. */
  what: string;
  /**
   * `disks`: a run that goes on with what an earlier one left does it again only when it does all of them. `system`: not when that
   * one had done it. `always`: each time.
   */
  when: 'disks' | 'system' | 'always';
  actions: readonly Action[];
}

/** Of all that decides what is on the disks: a run goes on only with what one of the same arguments has begun. */
export function markOf(options: BootstrapOptions): string {
  const { passwordHash, ...rest } = options;
  const text = JSON.stringify({ ...rest, password: passwordHash !== undefined });
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** The array while it is made; on the new system it is /dev/md/system. */
export const arrayPath = (host: string): string => `/dev/md/${host}-${ARRAY}`;

const volumePath = (host: string, name: string): string => `/dev/${host}/${name}`;

const argvs = (...all: readonly (readonly string[])[]): Action[] => all.map((argv) => ({ argv }));

/** All that makes a server of disks, in order. @param places where each disk is plugged in. @throws ProloError `bad-input` where they are too small */
export function planBootstrap(
  disks: readonly BlockDevice[],
  options: BootstrapOptions,
  ids: Ids,
  places: Places = new Map(),
): Step[] {
  return [
    ...diskSteps(disks, options, ids),
    ...mountSteps(disks, options),
    ...systemSteps(disks, options, ids, places),
    {
      name: 'finish',
      what: 'unmounts it, and the disks are no longer half made',
      when: 'always',
      actions: argvs(
        ['sync', '--file-system', TARGET],
        ...disks.map(({ path }) => renameArgv(path, RAID_NAME)),
        ['rm', '-f', `${TARGET}${DONE_FILE}`],
        ['umount', '--recursive', TARGET],
        ['vgchange', '--activate', 'n', options.host],
        // The array goes on with its first copy; so udev looks at the names by itself.
        [
          'udevadm',
          'trigger',
          '--settle',
          '--action=change',
          ...disks.map(({ path }) => partitionPath(path, RAID)),
        ],
      ),
    },
  ];
}

/** Which steps were done, and the ids; a line of JSON each. It lies in the new system until that is whole. */
export const DONE_FILE = '/.prolo-bootstrap';

function diskSteps(disks: readonly BlockDevice[], options: BootstrapOptions, ids: Ids): Step[] {
  const { host, rootMib, swapMib, volumes } = options;
  const array = arrayPath(host);
  const members = disks.map(({ path }) => partitionPath(path, RAID));
  const parts = { raidMib: raidMib(disks), raidName: halfName(markOf(options)) };
  const volume = (name: string, size: readonly string[]): readonly string[] => [
    ...['lvcreate', '--yes', '--wipesignatures', 'y', '--name', name, ...size, host],
  ];
  const sized = [
    ...(swapMib === undefined ? [] : [{ name: 'swap', mib: swapMib }]),
    ...volumes,
    ...(rootMib === undefined ? [] : [{ name: 'root', mib: rootMib }]),
  ];
  const old = disks.flatMap((disk) => (disk.children ?? []).filter(({ type }) => type === 'part'));
  return [
    {
      name: 'erase',
      what: 'takes out of use, and forgets, what is on the disks',
      when: 'disks',
      actions: argvs(
        ...takeDownArgv(disks),
        ...[...old, ...disks].map(({ path }) => ['wipefs', '--all', '--force', '--quiet', path]),
      ),
    },
    {
      name: 'partition',
      what: 'on each disk: a place for BIOS, one for UEFI, and the mirror',
      when: 'disks',
      actions: [
        ...disks.map(({ path }, index) => ({
          argv: partitionArgv(path),
          input: partitionScript({ ...parts, espUuid: ids.esps[index]! }),
        })),
        { argv: ['udevadm', 'settle'] },
      ],
    },
    {
      name: 'mirror',
      what: `RAID1 of ${members.join(' and ')}`,
      when: 'disks',
      actions: argvs([
        ...['mdadm', '--create', array, '--run', '--level=1', `--raid-devices=${members.length}`],
        ...['--metadata=1.2', '--bitmap=internal', `--homehost=${host}`, `--name=${ARRAY}`],
        ...[`--uuid=${ids.array}`, ...members],
      ]),
    },
    {
      name: 'volumes',
      what: `LVM: the group ${host}, with ${[...sized.map(({ name }) => name).filter((name) => name !== 'root'), 'root'].join(', ')}`,
      when: 'disks',
      actions: argvs(
        ['pvcreate', '--yes', '-ff', array],
        ['vgcreate', '--yes', host, array],
        ...sized.map(({ name, mib }) => volume(name, ['--size', `${mib}m`])),
        ...(rootMib === undefined ? [volume('root', ['--extents', '100%FREE'])] : []),
      ),
    },
    {
      name: 'filesystems',
      what: 'empty filesystems',
      when: 'disks',
      actions: argvs(
        ...['root', ...volumes.map(({ name }) => name)].map((name) => [
          ...['mkfs.ext4', '-q', '-F', '-L', name, volumePath(host, name)],
        ]),
        ...(swapMib === undefined ? [] : [['mkswap', '-q', '-f', volumePath(host, 'swap')]]),
        ...disks.map(({ path }, index) => [
          ...['mkfs.vfat', '-F', '32', '-n', `EFI${index + 1}`, partitionPath(path, ESP)],
        ]),
      ),
    },
  ];
}

/** What brings half-made disks up again. Each may fail where there is nothing to bring up. */
export function bringUpArgv(disks: readonly BlockDevice[], { host }: BootstrapOptions): string[][] {
  const members = disks.map(({ path }) => partitionPath(path, RAID));
  return [
    ['mdadm', '--assemble', '--run', arrayPath(host), ...members],
    ['vgchange', '--activate', 'y', host],
  ];
}

/** What looks into half-made disks. */
export const peekArgv = ({ host }: BootstrapOptions): string[] => [
  'mount',
  '--mkdir',
  volumePath(host, 'root'),
  TARGET,
];

function mountSteps(disks: readonly BlockDevice[], { host, volumes }: BootstrapOptions): Step[] {
  const mount = (device: string, at: string): string[] => ['mount', '--mkdir', device, `${TARGET}${at}`];
  return [
    {
      name: 'mount',
      what: `mounts it at ${TARGET}`,
      when: 'always',
      actions: argvs(
        mount(volumePath(host, 'root'), ''),
        ...[...volumes]
          .sort((a, b) => a.mount.length - b.mount.length)
          .map((one) => mount(volumePath(host, one.name), one.mount)),
        ...disks.map(({ path }, index) => mount(partitionPath(path, ESP), espMount(index))),
      ),
    },
  ];
}

const KEPT_SERVICES = ['systemd-networkd.service', 'systemd-resolved.service', 'systemd-timesyncd.service'];

function systemSteps(
  disks: readonly BlockDevice[],
  options: BootstrapOptions,
  ids: Ids,
  places: Places,
): Step[] {
  const { distribution, passwordHash, timezone } = options;
  const isArch = distribution === 'arch';
  const within = (...argv: string[]): string[] => ['chroot', TARGET, ...argv];
  const bind = (path: string): string[] => ['mount', '--bind', path, `${TARGET}${path}`];
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
