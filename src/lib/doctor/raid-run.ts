import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, openLog } from '../bootstrap/call.ts';
import type { BlockDevice } from '../bootstrap/disk.ts';
import { isBegun, judgeDisks } from '../bootstrap/judge.ts';
import { lookAt, resolveDisk } from '../bootstrap/look.ts';
import type { Step } from '../bootstrap/step.ts';
import { ProloError } from '../errors.ts';
import { runOk } from '../exec.ts';
import { putEntry } from '../rfs/root/tree-entry.ts';
import { readFileIfThere } from '../write-file.ts';
import { copyState, diskOf, isWorking, type RaidFacts } from './raid.ts';
import { readRaidFacts } from './raid-facts.ts';
import {
  chooseSurvivor,
  hasJoined,
  planReplace,
  type ReplacePlan,
  replaceMark,
  type Table,
} from './raid-replace.ts';

/**
 * What would put a disk into the place of another.
 * @param old its path, or `missing`
 * @param erase whether the new one may lose what it holds
 * @throws ProloError where that may not be
 */
export async function planReplacement(
  old: string,
  by: string,
  erase: boolean,
): Promise<ReplacePlan & { disk: string }> {
  const facts = await readRaidFacts();
  if (facts.arrays.length === 0)
    throw new ProloError('not-found', 'raid: no array here', {
      hint: 'run it on the server with the dead disk; `cat /proc/mdstat` shows its arrays',
    });
  const [candidate] = await lookAt([by], erase ? [by] : []);
  const oldDisk = old === 'missing' ? undefined : findOld(old, facts);
  const survivor = chooseSurvivor(facts, oldDisk);
  if (candidate!.disk.path === survivor.path || candidate!.disk.path === oldDisk?.path)
    throw new ProloError(
      'bad-input',
      `disk ${candidate!.disk.path}: is the one that works, or the one that goes`,
    );
  const mounted = releaseBegun(candidate!.disk);
  const begun =
    hasJoined(candidate!.disk, facts.arrays) ||
    judgeDisks([candidate!], replaceMark(facts.arrays), onlyOthers(facts.disks, candidate!.disk)) === 'half';
  const { stdout } = await runOk(['sfdisk', '--json', survivor.path]);
  const table = (JSON.parse(stdout) as { partitiontable: Table }).partitiontable;
  const plan = planReplace({
    ...{ facts, old: oldDisk, candidate: candidate!, begun, mounted },
    survivor: { disk: survivor, table },
    espUuid: begunEsp(candidate!.disk) ?? randomUUID(),
    fstab: (await readFileIfThere('/etc/fstab')) ?? '',
  });
  return { ...plan, disk: candidate!.disk.path };
}

/** An array that a begun disk is in has another disk by now: that is how it is to be. */
const onlyOthers = (disks: readonly BlockDevice[], disk: BlockDevice): readonly BlockDevice[] =>
  isBegun(disk) ? [] : disks;

/** A run that was broken off has mounted its boot loader's partition. @returns what is to be unmounted */
function releaseBegun(disk: BlockDevice): string[] {
  if (!isBegun(disk)) return [];
  return (disk.children ?? []).flatMap((part) => {
    const places = part.mountpoints.filter((place) => place?.startsWith('/boot/'));
    part.mountpoints = part.mountpoints.filter((place) => !places.includes(place));
    return places as string[];
  });
}

const begunEsp = (disk: BlockDevice): string | undefined =>
  disk.children?.find(({ partlabel }) => partlabel === 'prolo-efi')?.partuuid ?? undefined;

/**
 * By what the kernel knows of it alone: a disk that is dead answers nobody who reads it.
 * @throws ProloError `not-found`
 */
export function findOld(path: string, { disks, arrays }: Pick<RaidFacts, 'disks' | 'arrays'>): BlockDevice {
  const real = resolveDisk(path);
  const disk = disks.find((each) => each.path === real);
  const isMember = arrays.some(({ members }) =>
    members.some(({ device }) => device && disk && diskOf(device, [disk])),
  );
  if (disk && isMember) return disk;
  throw new ProloError('not-found', `disk ${path}: in no array here`, {
    hint: 'one that is gone is named `missing`; `prolo doctor raid` shows the others',
  });
}

/** Does it; each step can be done again. */
export async function replaceDisk(steps: readonly Step[], onStep: (what: string) => void): Promise<void> {
  const log = openLog();
  try {
    for (const [index, step] of steps.entries()) {
      const say = (what: string): void => onStep(`${index + 1}/${steps.length} ${step.name}: ${what}`);
      say(step.what);
      for (const action of step.actions) {
        if ('argv' in action) await call(action, `doctor raid: ${step.name}`, log, say);
        else if ('file' in action) {
          const { path, text, mode } = action.file;
          await putEntry(
            '/',
            { path: path.slice(1), data: text, ...(mode === undefined ? {} : { mode }) },
            false,
          );
        }
      }
    }
  } finally {
    await log.end();
  }
}

const LOOK_MS = 2000;

/** Until the disk has its copy of every array that it is in. @throws ProloError `failed` where it gets none any more */
export async function watchRebuild(disk: string, onProgress: (what: string) => void): Promise<void> {
  let said = '';
  for (;;) {
    const { arrays, disks } = await readRaidFacts();
    const stuck = arrays.find((array) => copyState(array) === 'stuck');
    if (stuck)
      throw new ProloError('failed', `array ${stuck.path}: is given no copy`, {
        hint: 'prolo doctor raid; dmesg',
      });
    const open = arrays.filter((array) => copyState(array) === 'copying');
    if (open.length === 0) return expectCopy(disk, arrays, disks);
    const text = open.map(({ path, doing }) => `${path}: ${doing ?? 'begins'}`).join(', ');
    if (text !== said) onProgress((said = text));
    await sleep(LOOK_MS);
  }
}

/** A new disk that dies of its first copy leaves arrays that are whole by the old one. @throws ProloError `failed` */
function expectCopy(disk: string, arrays: RaidFacts['arrays'], disks: RaidFacts['disks']): void {
  const members = arrays
    .flatMap((array) => array.members)
    .filter(({ device }) => device && diskOf(device, disks)?.path === disk);
  if (members.length > 0 && members.every(isWorking)) return;
  throw new ProloError('failed', `disk ${disk}: has not got its copy`, { hint: 'prolo doctor raid; dmesg' });
}
