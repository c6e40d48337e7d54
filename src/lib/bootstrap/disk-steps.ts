import { type BlockDevice, partitionPath } from './disk.ts';
import { ARRAY } from './files.ts';
import { halfName, takeDownArgv } from './judge.ts';
import { checkRoom, ESP, partitionArgv, partitionScript, RAID, raidMib } from './layout.ts';
import { type BootstrapOptions, type Ids, markOf } from './options.ts';
import { argvs, type Step } from './step.ts';

/** The array while it is made; on the new system it is /dev/md/system. */
export const arrayPath = (host: string): string => `/dev/md/${host}-${ARRAY}`;

export const volumePath = (host: string, name: string): string => `/dev/${host}/${name}`;

/** From bare disks to empty filesystems. @throws ProloError `bad-input` where they are too small */
export function diskSteps(disks: readonly BlockDevice[], options: BootstrapOptions, ids: Ids): Step[] {
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
  checkRoom(
    parts.raidMib,
    sized.map(({ mib }) => mib),
    rootMib !== undefined,
  );
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
