import { ProloError } from '../errors.ts';
import { gigabytes } from './disk.ts';

/** The number of a partition on each disk. */
export const BIOS = 1;
export const ESP = 2;
export const RAID = 3;

export const RAID_NAME = 'prolo-raid';

const MIB = 1024 ** 2;
const BIOS_MIB = 1;
const ESP_MIB = 512;
/** The table at the start, and its copy at the end. */
const EDGES_MIB = 2;
/** A disk that takes another's place may have a little less than its maker says. */
const RESERVE_MIB = 100;
const LEAST_MIB = 2048;

const TYPES = {
  bios: '21686148-6449-6E6F-744E-656564454649',
  esp: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  raid: 'A19D880F-05FC-4D3B-A006-743F0F84911E',
};

/**
 * How large each disk's part of the mirror is: the same on all, and a little smaller than the smallest has room for.
 * @throws ProloError `bad-input`
 */
export function raidMib(disks: readonly { path: string; size: number }[]): number {
  const smallest = [...disks].sort((a, b) => a.size - b.size)[0]!;
  const whole = Math.floor(smallest.size / MIB);
  const left = whole - EDGES_MIB - BIOS_MIB - ESP_MIB - Math.min(RESERVE_MIB, Math.floor(whole / 100));
  if (left >= LEAST_MIB) return left;
  throw new ProloError('bad-input', `disk ${smallest.path}: ${gigabytes(smallest.size)} are too few`, {
    hint: `at least ${gigabytes((LEAST_MIB + ESP_MIB + RESERVE_MIB) * MIB)}`,
  });
}

/** What the array and LVM keep for themselves. */
const INSIDE_MIB = 140;
const EXTENT_MIB = 4;
const LEAST_ROOT_MIB = 1024;

/**
 * Before anything is lost: whether all that has a size has room in the mirror, and the root in what is left.
 * @throws ProloError `bad-input`
 */
export function checkRoom(mirrorMib: number, sizes: readonly number[], isRootSized: boolean): void {
  const wanted = sizes.reduce((sum, mib) => sum + Math.ceil(mib / EXTENT_MIB) * EXTENT_MIB, 0);
  const needed = wanted + (isRootSized ? 0 : LEAST_ROOT_MIB) + INSIDE_MIB;
  if (sizes.length === 0 || needed <= mirrorMib) return;
  throw new ProloError(
    'bad-input',
    `volumes: ${gigabytes(needed * MIB)} are wanted, and the mirror has ${gigabytes(mirrorMib * MIB)}`,
    { hint: `less for --root-size, --swap-size, --volume${isRootSized ? '' : '; the root needs some too'}` },
  );
}

/** What sfdisk(8) reads: a boot loader's place for BIOS and one for UEFI, and the disk's part of the mirror. */
export function partitionScript(parts: { raidMib: number; raidName: string; espUuid: string }): string {
  return [
    'label: gpt',
    '',
    `start=1MiB, size=${BIOS_MIB}MiB, type=${TYPES.bios}, name="prolo-bios"`,
    `size=${ESP_MIB}MiB, type=${TYPES.esp}, name="prolo-efi", uuid=${parts.espUuid}`,
    `size=${parts.raidMib}MiB, type=${TYPES.raid}, name="${parts.raidName}"`,
    '',
  ].join('\n');
}

/** Writes a disk's partitions anew; what their places held before is gone. */
export const partitionArgv = (disk: string): string[] => [
  ...['sfdisk', '--quiet', '--wipe', 'always', '--wipe-partitions', 'always', disk],
];

/** Gives the mirror's partition another name, though it is in use. */
export const renameArgv = (disk: string, name: string, number = RAID): string[] => [
  ...['sfdisk', '--no-reread', '--no-tell-kernel', '--part-label', disk, String(number), name],
];
