import { type BlockDevice, descendants, describeDisk } from '../bootstrap/disk.ts';
import { holds } from '../bootstrap/judge.ts';
import type { KnownDisk } from '../bootstrap/known-disks.ts';
import { type Finding, green, red, yellow } from './check.ts';

/** A member that an array has or should have. */
export interface Member {
  /** As mdadm says it: `active sync`, `faulty`, `removed`, `spare rebuilding`. */
  state: string;
  device?: string;
}

export interface MdArray {
  path: string;
  /** `raid1`; empty where it is not active. */
  level: string;
  uuid: string;
  active: boolean;
  wanted: number;
  members: Member[];
  /** `recovery = 12.6%` */
  doing?: string;
}

export interface RaidFacts {
  arrays: MdArray[];
  /** All disks that are there, with what is on them. */
  disks: BlockDevice[];
  places: ReadonlyMap<string, readonly string[]>;
  known: KnownDisk[];
  /** By disk: what is wrong, as SMART says; '' for nothing; not there: nobody knows. */
  smart: ReadonlyMap<string, string>;
}

/** What a person does next, with the commands for it. */
export interface NextStep {
  what: string;
  commands: string[];
}

export interface Diagnosis {
  findings: Finding[];
  next: NextStep[];
}

/** What is wrong with a server's arrays, whose fault it is, and the way back to whole ones. */
export function diagnose(facts: RaidFacts): Diagnosis {
  const parts = [...facts.arrays.map((array) => judgeArray(array, facts)), judgeSmart(facts)];
  const findings = parts.flatMap((part) => part.findings);
  const next = parts.flatMap((part) => part.next);
  if (facts.arrays.length === 0) findings.push(green('no array here'));
  return { findings, next };
}

function judgeArray(array: MdArray, facts: RaidFacts): Diagnosis {
  const { path, active, members, doing } = array;
  if (!active) return inactive(array);
  const what = `${path} (${array.level}) ${picture(array)}`;
  const healing = members.find(({ state }) => state.includes('rebuilding'));
  if (healing)
    return {
      findings: [yellow(`${what}: ${healing.device} is given its copy${doing ? `, ${doing}` : ''}`)],
      next: [{ what: 'wait; the server works meanwhile', commands: ['watch cat /proc/mdstat'] }],
    };
  const faulty = members.filter(isFaulty).map(({ device }) => device!);
  if (members.filter(isWorking).length >= array.wanted) {
    if (faulty.length > 0) return leftIn(what, path, faulty, facts);
    return { findings: [doing ? yellow(`${what}: ${doing}`) : green(`${what}: whole`)], next: [] };
  }
  const back = returned(array, facts.disks);
  const gone = faulty.length > 0 || back ? [] : missingDisks(facts);
  const whose = faulty.map((device) => `${device} failed, on ${whichDisk(device, facts)}`);
  if (back && faulty.length === 0)
    whose.push(`${back.path} is there and not in it, on ${whichDisk(back.path, facts)}`);
  for (const disk of gone) whose.push(`a disk is gone: ${describeKnown(disk)}`);
  if (whose.length === 0) whose.push(`a disk is gone; there ${stillThere(array, facts)}`);
  return { findings: [red(`${what}: ${whose.join('; ')}`)], next: wayBack(array, facts, faulty, back) };
}

/** As /proc/mdstat paints it: `[U_]`. */
export const picture = ({ members, wanted }: Pick<MdArray, 'members' | 'wanted'>): string => {
  if (members.filter(isWorking).length >= wanted) return `[${'U'.repeat(wanted)}]`;
  const slots = members.filter((member) => !isFaulty(member)).slice(0, wanted);
  return `[${slots.map((member) => (isWorking(member) ? 'U' : '_')).join('')}]`;
};

export const isWorking = ({ state }: Member): boolean => state.startsWith('active');
const isFaulty = ({ state, device }: Member): boolean => state.includes('faulty') && device !== undefined;

/** Another disk has its place already. */
function leftIn(what: string, path: string, faulty: readonly string[], facts: RaidFacts): Diagnosis {
  return {
    findings: faulty.map((device) =>
      yellow(`${what}: whole; ${device} failed and is in it still, on ${whichDisk(device, facts)}`),
    ),
    next: faulty.map((device) => ({
      what: 'take it out, so that no start takes it for a copy',
      commands: diskOf(device, facts.disks)
        ? takeOutArgv(path, device).map((argv) => argv.join(' '))
        : [`mdadm ${path} --remove detached`],
    })),
  };
}

/** A member that is no copy any more, and shall never be taken for one. */
export const takeOutArgv = (array: string, device: string): string[][] => [
  ['mdadm', array, '--remove', device],
  ['mdadm', '--zero-superblock', device],
];

/** How far an array is with its copies; `stuck`: it lacks one, and makes none. */
export function copyState({ members, wanted, doing }: MdArray): 'whole' | 'copying' | 'stuck' {
  if (members.some(({ state }) => state.includes('rebuilding'))) return 'copying';
  if (members.filter(isWorking).length >= wanted) return 'whole';
  return doing || members.some(({ state }) => state.includes('spare')) ? 'copying' : 'stuck';
}

function inactive({ path, members }: MdArray): Diagnosis {
  const has = members.flatMap(({ device }) => device ?? []);
  return {
    findings: [red(`${path}: not active${has.length > 0 ? `; it has ${has.join(' and ')}` : ''}`)],
    next: [
      {
        what: 'start it with what is there; in the emergency shell of a start too',
        commands: [
          `mdadm --run ${path}`,
          `# or, all anew: mdadm --stop ${path} && mdadm --assemble --scan --run`,
        ],
      },
      { what: 'in that shell: let the start go on', commands: ['exit'] },
    ],
  };
}

function wayBack(
  { path }: MdArray,
  { disks }: RaidFacts,
  faulty: readonly string[],
  back: BlockDevice | undefined,
): NextStep[] {
  if (faulty.length === 0 && back)
    return [
      {
        what: 'a cable, or a slow start: take it in again. If it falls out once more, the disk is to be replaced',
        commands: [`mdadm ${path} --re-add ${back.path} || mdadm ${path} --add ${back.path}`],
      },
    ];
  const old = faulty[0] === undefined ? 'missing' : (diskOf(faulty[0], disks)?.path ?? 'missing');
  const blank = disks.find((disk) => disk.type === 'disk' && isBlank(disk));
  return [
    ...(blank
      ? []
      : [
          {
            what: 'put in a disk that is at least as large; where the machine cannot do that running, power it off first',
            commands: ['lsblk --output NAME,SIZE,SERIAL'],
          },
        ]),
    {
      what: blank
        ? `${describeDisk(blank)} is empty: give it the place of the dead one (--dry-run shows each command)`
        : 'give it the place of the dead one (--dry-run shows each command)',
      commands: [`prolo doctor raid --replace ${old} --with ${blank?.path ?? '/dev/NEW'}`],
    },
  ];
}

const isBlank = (disk: BlockDevice): boolean =>
  disk.size > 0 && !disk.ro && holds({ disk, signatures: [] }).length === 0 && descendants(disk).length === 0;

/** A member's partition that is there and in no array: it lost its place while it was unplugged. */
function returned({ members }: MdArray, disks: readonly BlockDevice[]): BlockDevice | undefined {
  const label = (disk: BlockDevice): BlockDevice | undefined =>
    disk.children?.find(({ path }) => members.some(({ device }) => device === path));
  const own = disks.map(label).find((part) => part?.label);
  return disks
    .flatMap((disk) => disk.children ?? [])
    .find(
      (part) =>
        part.fstype === 'linux_raid_member' &&
        part.label === own?.label &&
        part.label !== null &&
        !members.some(({ device }) => device === part.path) &&
        (part.children ?? []).length === 0,
    );
}

export const diskOf = (device: string, disks: readonly BlockDevice[]): BlockDevice | undefined =>
  disks.find((disk) => disk.path === device || descendants(disk).some(({ path }) => path === device));

function whichDisk(device: string, { disks, places }: RaidFacts): string {
  const disk = diskOf(device, disks);
  if (!disk) return 'a disk that is gone';
  const at = places.get(disk.path)?.[0];
  return `${describeDisk(disk)}${at ? ` at ${at}` : ''}`;
}

/** Of the server's own, as it was made. */
export function missingDisks({ known, disks }: Pick<RaidFacts, 'known' | 'disks'>): KnownDisk[] {
  const there = new Set(disks.map(({ serial }) => serial));
  return known.filter(({ serial }) => serial !== null && !there.has(serial));
}

const describeKnown = ({ serial, model, places }: KnownDisk): string =>
  [model, serial && `serial ${serial}`, places[0] && `it was at ${places[0]}`].filter(Boolean).join(', ');

function stillThere({ members }: MdArray, facts: RaidFacts): string {
  const works = members.filter(isWorking).flatMap(({ device }) => (device ? [whichDisk(device, facts)] : []));
  return `is still ${works.join(' and ')}`;
}

function judgeSmart({ smart, disks, arrays }: RaidFacts): Diagnosis {
  const used = new Set(
    arrays.flatMap(({ members }) =>
      members.flatMap(({ device }) => (device ? [diskOf(device, disks)?.path] : [])),
    ),
  );
  const bad = disks.filter(({ path }) => used.has(path) && smart.get(path));
  return {
    findings: bad.map((disk) => yellow(`${describeDisk(disk)}: SMART: ${smart.get(disk.path)}`)),
    next: bad.map((disk) => ({
      what: 'replace it before it dies; it stays in until the new one has its copy',
      commands: [`smartctl --all ${disk.path}`, `prolo doctor raid --replace ${disk.path} --with /dev/NEW`],
    })),
  };
}
