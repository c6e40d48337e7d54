import { ProloError } from '../errors.ts';
import { type BlockDevice, descendants } from './disk.ts';

/** A disk that was named, and what is known of it. */
export interface Candidate {
  disk: BlockDevice;
  /** What wipefs(8) finds on the disk itself: `gpt`, `ext4`. */
  signatures: readonly string[];
  /** Whether it is named twice, so that what it holds may be lost. */
  erase: boolean;
}

/** What may be done with disks: `half` is what an earlier run with the same arguments has left, and goes on with. */
export type Verdict = 'fresh' | 'half';

/** Of partitions that a run has begun and not ended; it lasts over a new start of the machine. */
export const halfName = (mark: string): string => `prolo-half-${mark}`;
const HALF = /^prolo-half-/;

/**
 * @param mark of this run's arguments
 * @param everything all disks of this machine, for what reaches beyond those that are named
 * @throws ProloError `conflict` for a disk that holds what may not be lost
 */
export function judgeDisks(
  candidates: readonly Candidate[],
  mark: string,
  everything: readonly BlockDevice[],
): Verdict {
  for (const { disk } of candidates) refuseBusy(disk);
  refuseShared(candidates, everything);
  const arrays = new Set(candidates.filter((one) => isHalf(one.disk, mark)).flatMap(arraysOf));
  // The marks go last, one disk after the other.
  const ours = (one: Candidate): boolean =>
    isHalf(one.disk, mark) || arraysOf(one).some((array) => arrays.has(array));
  if (candidates.every(ours)) return 'half';
  for (const one of candidates) {
    const held = holds(one);
    if (held.length === 0 || one.erase || ours(one)) continue;
    const { path } = one.disk;
    const half = isBegun(one.disk) ? '; a bootstrap with other arguments has begun on it' : '';
    throw new ProloError('conflict', `disk ${path}: holds data: ${held.join(', ')}${half}`, {
      hint: `if that may be lost, name it twice: --erase ${path}`,
    });
  }
  return 'fresh';
}

/** What is on a disk, for people; nothing on an empty one. */
export function holds({ disk, signatures }: Pick<Candidate, 'disk' | 'signatures'>): string[] {
  const found = [disk, ...descendants(disk).reverse()].flatMap((device) => {
    const { name, type, fstype, label, partlabel } = device;
    const what = fstype ?? (type === 'part' ? 'a partition' : undefined);
    if (device === disk && !what) return [];
    const called = label ?? partlabel;
    return [`${name} ${what ?? `a ${type} device`}${called ? ` "${called}"` : ''}`];
  });
  const table = disk.pttype ? [`${disk.name} a partition table (${disk.pttype})`] : [];
  if (found.length + table.length > 0) return [...table, ...found];
  return signatures.map((signature) => `${disk.name} ${signature}`);
}

const isHalf = (disk: BlockDevice, mark: string): boolean =>
  (disk.children ?? []).some(({ partlabel }) => partlabel === halfName(mark));

export const isBegun = (disk: BlockDevice): boolean =>
  (disk.children ?? []).some(({ partlabel }) => HALF.test(partlabel ?? ''));

const arraysOf = ({ disk }: Pick<Candidate, 'disk'>): string[] =>
  descendants(disk).flatMap(({ type, path }) => (type.startsWith('raid') ? [path] : []));

/** Where a run mounts what it makes. */
export const TARGET = '/mnt/prolo-bootstrap';

/** Not even one that is named twice. @throws ProloError */
function refuseBusy(disk: BlockDevice): void {
  if (!['disk', 'loop'].includes(disk.type))
    throw new ProloError('bad-input', `disk ${disk.path}: a ${disk.type} device, not a disk`, {
      hint: 'name whole disks; `lsblk` shows them',
    });
  if (disk.ro) throw new ProloError('conflict', `disk ${disk.path}: read-only`);
  for (const device of [disk, ...descendants(disk)]) {
    const place = device.mountpoints.find((path) => path !== null && !isTarget(path));
    if (place === '[SWAP]')
      throw new ProloError('conflict', `disk ${disk.path}: ${device.path} is used as swap`, {
        hint: `swapoff ${device.path}`,
      });
    if (place)
      throw new ProloError('conflict', `disk ${disk.path}: ${device.path} is mounted at ${place}`, {
        hint: `is it the right disk? If so: umount ${place}`,
      });
    if (device.type === 'crypt' || device.type === 'mpath')
      throw new ProloError('conflict', `disk ${disk.path}: ${device.path} is in use (${device.type})`, {
        hint: 'close it first',
      });
  }
}

const isTarget = (path: string): boolean => path === TARGET || path.startsWith(`${TARGET}/`);

/** An array or a volume that has a part on another disk too would lose that one as well. @throws ProloError */
function refuseShared(candidates: readonly Candidate[], everything: readonly BlockDevice[]): void {
  const named = new Set(candidates.map(({ disk }) => disk.path));
  const owners = new Map<string, string>();
  for (const disk of everything)
    if (!named.has(disk.path)) for (const { path } of descendants(disk)) owners.set(path, disk.path);
  for (const { disk } of candidates)
    for (const { path } of descendants(disk)) {
      const other = owners.get(path);
      if (other)
        throw new ProloError('conflict', `disk ${disk.path}: ${path} is on ${other} too`, {
          hint: `name ${other} as well, or take ${path} out of use first`,
        });
    }
}

/** What takes out of use all that is on disks, before they are written: nothing of it is mounted. */
export function takeDownArgv(disks: readonly BlockDevice[]): string[][] {
  const seen = new Set<string>();
  return disks
    .flatMap(descendants)
    .filter(({ path }) => !seen.has(path) && seen.add(path))
    .sort((a, b) => depth(a) - depth(b))
    .flatMap(({ type, path }) => {
      if (type === 'lvm') return [['lvchange', '--activate', 'n', '--yes', path]];
      return type.startsWith('raid') || type === 'md' ? [['mdadm', '--stop', path]] : [];
    });
}

/** What is on top of others goes first. */
const depth = ({ type }: BlockDevice): number => (type === 'lvm' ? 0 : 1);
