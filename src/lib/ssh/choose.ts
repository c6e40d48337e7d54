import { ProloError } from '../errors.ts';
import type { MachineRecord } from '../mdb/record.ts';
import { readMachines } from '../mdb/source.ts';
import { type Group, selectMachines } from '../mdb/select.ts';
import { foldNodeset } from '../nodeset.ts';
import { ownAddresses } from '../own-addresses.ts';
import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';
import { type FieldRegexes, matchFields, REGEX_FIELDS } from './field-regexes.ts';
import { withLiveGroups } from './groups.ts';

export { confirmMachines, showMachines } from './confirm-machines.ts';

/** Which machines the operator means: the words and flags of `selectionFlags`. */
export interface Selection extends FieldRegexes {
  words: readonly string[];
  exclude?: readonly string[] | undefined;
  failed?: boolean | undefined;
  /** Where `@alive` knocks; the site's own otherwise. */
  port?: number | undefined;
}

export interface ChooseOptions {
  /** What a selection of nothing means: all machines, servers too, or an error. */
  bare?: 'all' | 'refuse';
  /** For what would end the run itself: the host that it is given at is left out, with a note. */
  withoutThisHost?: boolean;
  note?: (text: string) => void;
}

/**
 * The machines of a selection, in MDB's order: those that any of the words names (none: all), of those the ones that every
 * regular expression matches, of those the ones that failed last time (with `failed`), without those of any `exclude`.
 * @throws ProloError `not-found` for a name that is no machine's or a login that is logged on nowhere, and where nothing is left
 */
export async function chooseMachines(
  site: Site,
  store: () => Promise<Store>,
  selection: Selection,
  { bare = 'all', withoutThisHost = false, note = () => undefined }: ChooseOptions = {},
): Promise<MachineRecord[]> {
  if (bare === 'refuse' && !saysWhich(selection))
    throw new ProloError('bad-input', 'selection: none', {
      hint: 'say which machines, such as @room:pasteur, or @all',
    });
  if (selection.exclude?.some((text) => text.trim() === ''))
    throw new ProloError('bad-input', '-x: empty', { hint: 'was a variable not set?' });
  const all = await readMachines(site, store);
  const matching = new Set(await matchFields(all, selection));
  const failed = selection.failed ? await readFailed(site, all, note) : undefined;
  const sources = {
    sessions: async () => (await import('../presence/source.ts')).readLogins(site, store),
    alive: async (machines: readonly MachineRecord[]) =>
      (await import('./alive.ts')).findAlive(machines, selection.port ?? site.config.ssh.port),
  };
  let counts: string[] = [];
  const chosen = await withLiveGroups(all, sources, (groups) => {
    const steps = narrow(all, selection, { matching, failed, groups });
    counts = steps.map(([what, left]) => `${left.length} ${what}`);
    return steps.at(-1)![1];
  });
  const left = withoutThisHost ? leaveOutThisHost(chosen, ownAddresses(), note) : chosen;
  if (left.length > 0) return left;
  if (all.length === 0)
    throw new ProloError('not-found', 'MDB: no machines in it', { hint: 'see `prolo mdb add --help`' });
  throw new ProloError('not-found', `selection: no machine is in it (${counts.join(', ')})`);
}

type Step = [what: string, left: MachineRecord[]];

/** What is left after each step of a selection. @throws ProloError as `selectMachines` does */
export function narrow(
  all: readonly MachineRecord[],
  selection: Selection,
  given: {
    matching: ReadonlySet<MachineRecord>;
    failed?: ReadonlySet<string> | undefined;
    groups: Record<string, Group>;
  },
): Step[] {
  const { words, exclude = [] } = selection;
  const { groups, matching, failed } = given;
  const options = REGEX_FIELDS.filter((field) => selection[field] !== undefined).map((field) => `--${field}`);
  const out = new Set(exclude.length > 0 ? selectMachines(exclude, all, { groups }) : []);
  let left = words.length > 0 ? selectMachines(words, all, { groups }) : [...all];
  const steps: Step[] = [[words.length > 0 ? `in ${words.join(' ')}` : 'in MDB', left]];
  const keep = (what: string, test: (machine: MachineRecord) => boolean): void => {
    left = left.filter(test);
    steps.push([what, left]);
  };
  if (options.length > 0) keep(`with ${options.join(' ')}`, (machine) => matching.has(machine));
  if (failed) keep('with --failed', ({ hostname }) => failed.has(hostname));
  if (exclude.length > 0) keep(`without ${exclude.join(' ')}`, (machine) => !out.has(machine));
  return steps;
}

function saysWhich({ words, failed, ...rest }: Selection): boolean {
  return words.length > 0 || failed === true || REGEX_FIELDS.some((field) => rest[field] !== undefined);
}

/** @throws ProloError `not-found` when none did */
async function readFailed(
  site: Site,
  all: readonly MachineRecord[],
  note: (text: string) => void,
): Promise<Set<string>> {
  const { lastFailed } = await import('./runs.ts');
  const failed = new Set(await lastFailed(site));
  if (failed.size === 0) throw new ProloError('not-found', '--failed: no machine failed in your last run');
  const known = new Set(all.map(({ hostname }) => hostname));
  const gone = [...failed].filter((hostname) => !known.has(hostname));
  if (gone.length > 0) note(`failed last time, and no longer in MDB: ${foldNodeset(gone)}`);
  return failed;
}

/** @throws ProloError `bad-input` when no other is left */
export function leaveOutThisHost(
  machines: readonly MachineRecord[],
  addresses: ReadonlySet<string>,
  note: (text: string) => void,
): MachineRecord[] {
  const here = machines.filter(({ ip }) => addresses.has(ip));
  const names = foldNodeset(here.map(({ hostname }) => hostname));
  if (here.length > 0 && here.length === machines.length)
    throw new ProloError('bad-input', `machine ${names}: it is the host that you are at`, {
      hint: 'this would end the run itself: do it here, without prolo',
    });
  if (here.length > 0) note(`${names}: left out, it is the host that you are at`);
  return machines.filter((machine) => !here.includes(machine));
}
