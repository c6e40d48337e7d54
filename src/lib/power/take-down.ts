import { confirm } from '../cli/confirm.ts';
import { printable } from '../cli/table.ts';
import { ProloError } from '../errors.ts';
import { foldNodeset } from '../nodeset-fold.ts';
import type { MachineRecord } from '../mdb/record.ts';
import { readLogins } from '../presence/source.ts';
import type { Site } from '../site/site.ts';
import { chooseMachines, type Selection } from '../ssh/choose.ts';
import type { Connector } from '../ssh/connect.ts';
import { type ConnectFlags, openAccess } from '../ssh/open.ts';
import { exitStatusOf, type Outcome, type Target } from '../ssh/protocol.ts';
import type { Store } from '../store/store.ts';
import { comeBack } from './come-back.ts';
import { goDown, type Verb } from './go-down.ts';
import { planPower, type WaveFlags } from './plan-power.ts';
import { runInWaves, type Words } from './run-in-waves.ts';
import { countMachines, describeWaves, wavesAsData } from './show-waves.ts';
import { spareServers } from './spare.ts';

export interface DownFlags extends WaveFlags, ConnectFlags {
  yes: boolean;
  'dry-run': boolean;
  /** How long each machine's return is waited for; not at all without it. */
  waitMs?: number;
}

/** `systemctl` returns once the machine has been told; where its systemd hangs, it may not. */
const TELL_MS = 90_000;

export interface PowerResult {
  waves: { atSeconds: number; machines: string[] }[];
  outcomes: Outcome[];
  exitStatus: number;
}

/**
 * Shows which machines go down and when, asks, and does it.
 * @throws ProloError `bad-input` without a selection, where it has servers only, or nobody can be asked
 */
export async function takeDown(
  site: Site,
  store: () => Promise<Store>,
  verb: Verb,
  selection: Selection,
  flags: DownFlags,
  words: Words,
): Promise<PowerResult> {
  const machines = await chooseForDown(site, store, verb, selection, words.note);
  const plan = await planPower(site, store, machines, flags);
  const result = { waves: wavesAsData(plan.waves), outcomes: [], exitStatus: 0 };
  const shown = flags['dry-run'] ? words.log : words.note;
  const what = `${verb} ${countMachines(machines.length)}`;
  shown(describeWaves(what, plan));
  const people = await countPeople(site, store, machines, words.note);
  if (people !== '') shown(`${people} there`);
  if (flags['dry-run']) return result;
  const { connector, fanout, targetOf, close } = await openAccess(site, flags);
  const question = people === '' ? `${what}?` : `${what}, where ${people}?`;
  if (!(await confirm(question, flags.yes))) return result;
  const work = (machine: MachineRecord, stop: AbortSignal): Promise<Outcome> =>
    tell(targetOf(machine), verb, connector, stop, flags.waitMs);
  const run = { what: verb, waves: plan.waves, fanout, work };
  const outcomes = await runInWaves(site, run, words).finally(() => close(words.note));
  return { ...result, outcomes, exitStatus: Math.max(...outcomes.map(exitStatusOf)) };
}

/** @throws ProloError `bad-input` without a selection, and where it has servers only that no word names */
async function chooseForDown(
  site: Site,
  store: () => Promise<Store>,
  verb: Verb,
  selection: Selection,
  note: (text: string) => void,
): Promise<MachineRecord[]> {
  const options = { bare: 'refuse', withoutThisHost: true, note } as const;
  const chosen = await chooseMachines(site, store, selection, options);
  const { kept, spared } = spareServers(chosen, selection.words, site.config.gateway);
  const names = foldNodeset(spared.map(({ hostname }) => hostname));
  if (kept.length === 0)
    throw new ProloError('bad-input', `${verb}: ${names}: servers, and none of them was named`, {
      hint: 'name those that you mean, without a group or a pattern',
    });
  if (spared.length > 0) note(`left out, since no word names them: ${names} (servers)`);
  return kept;
}

async function tell(
  target: Target,
  verb: Verb,
  connector: Connector,
  stop: AbortSignal,
  waitMs: number | undefined,
): Promise<Outcome> {
  const { outcome, bootId } = await goDown(target, verb, connector, { commandMs: TELL_MS });
  if (waitMs === undefined || outcome.status !== 'ok') return outcome;
  if (bootId !== undefined) return comeBack(target, bootId, connector, { limitMs: waitMs, signal: stop });
  return { ...outcome, status: 'failed', reason: 'it tells no boot id, so its return cannot be seen' };
}

/** Such as `12 people are logged on`; empty when nobody is. */
async function countPeople(
  site: Site,
  store: () => Promise<Store>,
  machines: readonly { hostname: string }[],
  note: (text: string) => void,
): Promise<string> {
  try {
    const here = new Set(machines.map(({ hostname }) => hostname));
    const people = (await readLogins(site, store)).filter(({ hostname }) => here.has(hostname)).length;
    if (people === 0) return '';
    return people === 1 ? '1 person is logged on' : `${people} people are logged on`;
  } catch (error) {
    note(`who is logged on there is not known: ${printable((error as Error).message)}`);
    return '';
  }
}
