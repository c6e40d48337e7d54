import { type BlockDevice, describeDisk, partitionPath } from '../bootstrap/disk.ts';
import { type Candidate, halfName, takeDownArgv } from '../bootstrap/judge.ts';
import { KNOWN_DISKS, knownDisk, knownDisksText } from '../bootstrap/known-disks.ts';
import { partitionArgv, renameArgv } from '../bootstrap/layout.ts';
import type { Step } from '../bootstrap/step.ts';
import { ProloError } from '../errors.ts';
import { diskOf, type MdArray, missingDisks, type RaidFacts } from './raid.ts';

/** A disk's partition table, as `sfdisk --json` tells it. */
export interface Table {
  sectorsize: number;
  partitions: { node: string; start: number; size: number; type: string; name?: string; uuid?: string }[];
}

const BIOS_TYPE = '21686148-6449-6E6F-744E-656564454649';
const ESP_TYPE = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';

export interface Replacement {
  facts: RaidFacts;
  /** The disk that goes; undefined: it is gone. */
  old: BlockDevice | undefined;
  candidate: Candidate;
  /** A disk that works, and how it is divided. */
  survivor: { disk: BlockDevice; table: Table };
  /** What is on the new disk already, of a run that was broken off. */
  begun: boolean;
  /** Of that run: folders where its partitions are mounted. */
  mounted: readonly string[];
  espUuid: string;
  fstab: string;
}

/** Of a replacement: what a disk of it is named until it is whole. */
export const replaceMark = (arrays: readonly MdArray[]): string =>
  arrays[0]!.uuid.replaceAll(':', '').slice(0, 8);

/** A disk that has a copy of all arrays that lack one. @throws ProloError `conflict` */
export function chooseSurvivor({ arrays, disks }: RaidFacts, old: BlockDevice | undefined): BlockDevice {
  const broken = arrays.filter(({ active }) => active);
  const survivor = disks.find(
    (disk) =>
      disk.path !== old?.path &&
      broken.length > 0 &&
      broken.every(({ members }) =>
        members.some(
          ({ state, device }) => state === 'active sync' && device && diskOf(device, disks) === disk,
        ),
      ),
  );
  if (survivor) return survivor;
  throw new ProloError(
    'conflict',
    old ? `disk ${old.path}: has the only whole copy` : 'raid: no disk has a whole copy of every array',
    { hint: 'wait for a rebuild to end (cat /proc/mdstat), or start the arrays first: prolo doctor raid' },
  );
}

/** Where a table's partition is in the kernel's list. */
const numberOf = (node: string): number => Number(/(\d+)$/.exec(node)![1]);

/** A partition's name is text of whoever divided the disk, and goes into a script of sfdisk(8). */
const plainLabel = (name: string): string => name.replaceAll(/[^\w .:+-]/g, '_').replace(/^-/, '_');

/** Fails and removes the old disk, then: the same partitions, add, a boot loader. @throws ProloError */
export function planReplace(replacement: Replacement): Step[] {
  const { facts, old, candidate, survivor, begun, mounted, espUuid, fstab } = replacement;
  const { disk } = candidate;
  const { table } = survivor;
  refuseSmall(disk, table);
  const copied = table.partitions.map(({ name, ...one }) => ({
    ...one,
    ...(name ? { name: plainLabel(name) } : {}),
    number: numberOf(one.node),
  }));
  const half = halfName(replaceMark(facts.arrays));
  const arrays = facts.arrays
    .filter(({ active }) => active)
    .flatMap((array) => {
      const own = array.members.find(({ device }) => device && diskOf(device, [survivor.disk]))?.device;
      return own === undefined ? [] : [{ array, number: numberOf(own) }];
    });
  const first = arrays[0]!.number;
  const isIn = (array: MdArray): boolean =>
    array.members.some(({ device }) => device && diskOf(device, [disk]));
  const goesOn = begun && arrays.every(({ array }) => isIn(array));
  const steps: Step[] = [];
  const add = (name: string, what: string, actions: Step['actions']): void => {
    if (actions.length > 0) steps.push({ name, what, when: 'always', actions });
  };
  add('remove', `takes ${old ? describeDisk(old) : 'what is gone'} out of the arrays`, [
    ...arrays.flatMap(({ array }) => removals(array, old, facts.disks)).map((argv) => ({ argv })),
  ]);
  if (!goesOn) {
    const lines = copied.map(
      ({ number, start, size, type, name }) =>
        `start=${start}, size=${size}, type=${type}${
          number === first ? `, name="${half}"` : name ? `, name="${name}"` : ''
        }${type === ESP_TYPE ? `, uuid=${espUuid}` : ''}`,
    );
    const unit = `label: gpt\nunit: sectors\nsector-size: ${table.sectorsize}\n\n`;
    add('partition', `divides ${describeDisk(disk)} as ${survivor.disk.path} is`, [
      ...takeDownArgv([disk]).map((argv) => ({ argv })),
      ...[...(disk.children ?? []), disk].map(({ path }) => ({
        argv: ['wipefs', '--all', '--force', '--quiet', path],
      })),
      { argv: partitionArgv(disk.path), input: `${unit}${lines.join('\n')}\n` },
      { argv: ['udevadm', 'settle'] },
    ]);
    add(
      'add',
      'takes it into the arrays',
      arrays.map(({ array, number }) => ({
        argv: ['mdadm', array.path, '--add', partitionPath(disk.path, number)],
      })),
    );
  }
  const esp = copied.find(({ type }) => type === ESP_TYPE);
  const mount = esp && espMountOf(fstab, espUuid, facts, disk);
  if (esp && mount) {
    const device = partitionPath(disk.path, esp.number);
    const text = fstab.replace(`PARTUUID=${mount.uuid}`, `PARTUUID=${espUuid}`);
    add('boot-uefi', 'a boot loader for UEFI', [
      ...mounted.map((place) => ({ argv: ['umount', place] })),
      { argv: ['mkfs.vfat', '-F', '32', '-n', 'EFI', device] },
      { file: { path: '/etc/fstab', text } },
      { argv: ['mount', '--mkdir', device, mount.at] },
      {
        argv: [
          ...['grub-install', '--target=x86_64-efi', '--recheck', `--efi-directory=${mount.at}`],
          ...['--removable', '--no-nvram'],
        ],
      },
    ]);
  }
  if (copied.some(({ type }) => type === BIOS_TYPE))
    add('boot-bios', 'a boot loader for BIOS', [
      { argv: ['grub-install', '--target=i386-pc', '--recheck', disk.path] },
    ]);
  const gone = new Set(old ? [old.serial] : missingDisks(facts).map(({ serial }) => serial));
  const stay = facts.known.filter(({ serial }) => !gone.has(serial) && serial !== disk.serial);
  add('remember', 'writes down which disks this server has', [
    { file: { path: KNOWN_DISKS, text: knownDisksText([...stay, knownDisk(disk, facts.places)]) } },
    { argv: renameArgv(disk.path, copied.find(({ number }) => number === first)?.name ?? 'raid', first) },
    { argv: ['udevadm', 'trigger', '--settle', '--action=change', partitionPath(disk.path, first)] },
  ]);
  return steps;
}

function removals(
  { path, members }: MdArray,
  old: BlockDevice | undefined,
  disks: readonly BlockDevice[],
): string[][] {
  return members.flatMap(({ state, device }) => {
    if (!device) return [];
    const disk = diskOf(device, disks);
    if (old ? disk?.path !== old.path : disk !== undefined) return [];
    if (!disk) return [['mdadm', path, '--remove', 'detached']];
    return [
      ...(state.includes('faulty') ? [] : [['mdadm', path, '--fail', device]]),
      ['mdadm', path, '--remove', device],
    ];
  });
}

/** The line of fstab that was the old disk's, or is the new one's already. */
function espMountOf(
  fstab: string,
  espUuid: string,
  { disks }: RaidFacts,
  disk: BlockDevice,
): { uuid: string; at: string } | undefined {
  const there = new Set(
    disks
      .filter(({ path }) => path !== disk.path)
      .flatMap((one) => one.children ?? [])
      .map(({ partuuid }) => partuuid?.toLowerCase()),
  );
  const lines = [...fstab.matchAll(/^PARTUUID=(\S+)\s+(\S+)\s+vfat\b/gm)].map(([, uuid, at]) => ({
    uuid: uuid!,
    at: at!,
  }));
  return (
    lines.find(({ uuid }) => uuid === espUuid) ?? lines.find(({ uuid }) => !there.has(uuid.toLowerCase()))
  );
}

/** @throws ProloError `bad-input` */
function refuseSmall(disk: BlockDevice, { partitions, sectorsize }: Table): void {
  const last = Math.max(...partitions.map(({ start, size }) => start + size));
  const needed = (last + 34) * sectorsize;
  if (disk.size >= needed) return;
  throw new ProloError('bad-input', `disk ${disk.path}: ${disk.size} bytes, and ${needed} are needed`, {
    hint: 'take one that is at least as large',
  });
}
