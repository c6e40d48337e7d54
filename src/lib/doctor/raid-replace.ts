import { type BlockDevice, describeDisk, partitionPath } from '../bootstrap/disk.ts';
import { type Candidate, halfName, takeDownArgv } from '../bootstrap/judge.ts';
import { KNOWN_DISKS, knownDisk, knownDisksText } from '../bootstrap/known-disks.ts';
import { partitionArgv, renameArgv } from '../bootstrap/layout.ts';
import type { Step } from '../bootstrap/step.ts';
import { ProloError } from '../errors.ts';
import { bootSteps, ESP_TYPE } from './raid-boot.ts';
import {
  diskOf,
  isWorking,
  type MdArray,
  type Member,
  missingDisks,
  type RaidFacts,
  takeOutArgv,
} from './raid.ts';

/** A disk's partition table, as `sfdisk --json` tells it. */
export interface Table {
  sectorsize: number;
  partitions: { node: string; start: number; size: number; type: string; name?: string; uuid?: string }[];
}

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

/** Whether an earlier run has brought it into an array already: what is on it is in use, and ours. */
export const hasJoined = (disk: BlockDevice, arrays: readonly MdArray[]): boolean =>
  (disk.children ?? []).some(({ partlabel }) => partlabel === halfName(replaceMark(arrays))) &&
  arrays.some(({ members }) => members.some(({ device }) => device && diskOf(device, [disk])));

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

export interface ReplacePlan {
  steps: Step[];
  /** Once the new disk has its copy: GRUB reads arrays by itself, and knows of no copy that is half made. */
  afterCopy: Step[];
}

/**
 * The same partitions, in the arrays, a boot loader. A disk that works yet leaves once the new one has its copy, so that no copy is missed
 * meanwhile; one that does not goes first. @throws ProloError
 */
export function planReplace(replacement: Replacement): ReplacePlan {
  const { facts, old, candidate, survivor, begun, espUuid } = replacement;
  const { disk } = candidate;
  const { table } = survivor;
  refuseSmall(disk, table);
  const copied = table.partitions.map(({ name, ...one }) => ({
    ...one,
    ...(name ? { name: plainLabel(name) } : {}),
    number: numberOf(one.node),
  }));
  const arrays = facts.arrays
    .filter(({ active }) => active)
    .flatMap((array) => {
      const own = array.members.find(({ device }) => device && diskOf(device, [survivor.disk]))?.device;
      return own === undefined ? [] : [{ array, number: numberOf(own) }];
    });
  const first = arrays[0]!.number;
  const onDisk = ({ members }: MdArray, one: BlockDevice | undefined): Member | undefined =>
    members.find(({ device }) => device && one && diskOf(device, [one]));
  const goesOn = begun && arrays.every(({ array }) => onDisk(array, disk));
  const weak = arrays.flatMap(({ array, number }) => {
    const member = onDisk(array, old);
    return member && isWorking(member) ? [{ array, number, device: member.device! }] : [];
  });
  for (const { array } of weak) refuseOpen(array, onDisk(array, disk));
  const steps: Step[] = [];
  const afterCopy: Step[] = [];
  const add = (name: string, what: string, actions: Step['actions']): void => {
    if (actions.length > 0) steps.push({ name, what, when: 'always', actions });
  };
  add('remove', `takes ${old ? describeDisk(old) : 'what is gone'} out of the arrays`, [
    ...arrays.flatMap(({ array }) => removals(array, old, facts.disks)).map((argv) => ({ argv })),
  ]);
  if (!goesOn) {
    const named = (number: number, name?: string): string | undefined =>
      number === first ? halfName(replaceMark(facts.arrays)) : name;
    const parts = copied.map((one) => ({ ...one, name: named(one.number, one.name) }));
    add('partition', `divides ${describeDisk(disk)} as ${survivor.disk.path} is`, [
      ...takeDownArgv([disk]).map((argv) => ({ argv })),
      ...[...(disk.children ?? []), disk].map(({ path }) => ({
        argv: ['wipefs', '--all', '--force', '--quiet', path],
      })),
      { argv: partitionArgv(disk.path), input: tableScript(parts, table.sectorsize, espUuid) },
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
  add(
    'replace',
    'gives it the place of the old one, which stays until it has its copy',
    weak
      .filter(({ array }) => !goesOn || onDisk(array, disk)?.state === 'spare')
      .flatMap(({ array, number, device }) => [
        // A check of all sectors would hold it up.
        { argv: ['mdadm', '--action=idle', array.path] },
        { argv: ['mdadm', array.path, '--replace', device, '--with', partitionPath(disk.path, number)] },
      ]),
  );
  if (weak.length > 0)
    afterCopy.push({
      name: 'take-out',
      what: `takes ${describeDisk(old!)} out of the arrays`,
      when: 'always',
      actions: weak.flatMap(({ array, device }) => takeOutArgv(array.path, device)).map((argv) => ({ argv })),
    });
  const gone = new Set(old ? [old.serial] : missingDisks(facts).map(({ serial }) => serial));
  const stay = facts.known.filter(({ serial }) => !gone.has(serial) && serial !== disk.serial);
  afterCopy.push(...bootSteps(copied, replacement), {
    name: 'remember',
    what: 'writes down which disks this server has',
    when: 'always',
    actions: [
      { file: { path: KNOWN_DISKS, text: knownDisksText([...stay, knownDisk(disk, facts.places)]) } },
      { argv: renameArgv(disk.path, copied.find(({ number }) => number === first)?.name ?? 'raid', first) },
      { argv: ['udevadm', 'trigger', '--settle', '--action=change', partitionPath(disk.path, first)] },
    ],
  });
  return { steps, afterCopy };
}

/** For sfdisk(8): partitions where they are on the other disk. */
function tableScript(
  parts: readonly { start: number; size: number; type: string; name: string | undefined }[],
  sectorsize: number,
  espUuid: string,
): string {
  const lines = parts.map(({ start, size, type, name }) =>
    [
      ...[`start=${start}`, `size=${size}`, `type=${type}`],
      ...(name ? [`name="${name}"`] : []),
      ...(type === ESP_TYPE ? [`uuid=${espUuid}`] : []),
    ].join(', '),
  );
  return `label: gpt\nunit: sectors\nsector-size: ${sectorsize}\n\n${lines.join('\n')}\n`;
}

/** Whether a copy can be made for a member that works yet. @throws ProloError `conflict` */
function refuseOpen({ path, members, wanted, doing }: MdArray, there: Member | undefined): void {
  if (members.filter(isWorking).length < wanted)
    throw new ProloError('conflict', `array ${path}: lacks another disk too`, {
      hint: 'the one that is gone first: prolo doctor raid --replace missing --with DISK',
    });
  if (doing && !doing.startsWith('check') && !there)
    throw new ProloError('conflict', `array ${path}: busy, ${doing}`, {
      hint: 'once that has ended (cat /proc/mdstat), the same again',
    });
}

/** What is no copy now. */
function removals(
  { path, members }: MdArray,
  old: BlockDevice | undefined,
  disks: readonly BlockDevice[],
): string[][] {
  return members.flatMap((member) => {
    const { state, device } = member;
    if (!device) return [];
    const disk = diskOf(device, disks);
    if (old ? disk?.path !== old.path || isWorking(member) : disk !== undefined) return [];
    if (!disk) return [['mdadm', path, '--remove', 'detached']];
    return [
      ...(state.includes('faulty') ? [] : [['mdadm', path, '--fail', device]]),
      ['mdadm', path, '--remove', device],
    ];
  });
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
