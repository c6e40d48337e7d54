import { table } from '../cli/table.ts';
import type { ContestMode } from './mode.ts';
import type { HomeLag } from './homes.ts';
import { zonedTime } from '../cli/host-time.ts';
import { isRight, type Probe } from './probe.ts';
import type { ConsumerStatus, ContestStatus, State } from './status.ts';

/** What a row says, as a sentence. */
export function describeMode(
  { starts_at, ends_at }: Pick<ContestMode, 'starts_at' | 'ends_at'>,
  phase: string,
): string {
  if (starts_at === null) return 'no contest runs';
  const end = ends_at === null ? '' : `, until ${zonedTime(ends_at)}`;
  if (phase === 'waiting') return `the contest starts at ${zonedTime(starts_at)}${end}`;
  if (phase === 'on') return `the contest runs since ${zonedTime(starts_at)}${end}`;
  return `the contest ran from ${zonedTime(starts_at)} to ${zonedTime(ends_at!)}`;
}

const WAY_OUT: Record<Exclude<State, 'ok'>, string> = {
  lags: 'has not done it yet',
  failed: 'tries it again',
  silent: 'says nothing any more',
  'never heard': 'has never been heard',
};

export function describeStatus(status: ContestStatus, now: Date): string {
  const { epoch, changed_by, changed_at, registration } = status;
  const rows = status.consumers.map((one) => [
    one.consumer,
    one.applied === null ? '-' : `${one.applied} ${one.phase}`,
    `${epoch} ${status.phase}`,
    one.seen_at === null
      ? '-'
      : `${Math.max(0, Math.round((now.getTime() - Date.parse(one.seen_at)) / 1000))} s ago`,
    one.problem || one.state,
  ]);
  const by = epoch === 0 ? '' : ` (${changed_by}, ${zonedTime(changed_at)})`;
  return [
    `${describeMode(status, status.phase)}${by}`,
    `machines ${registration ? 'may' : 'may not'} register themselves`,
    table(['consumer', 'applied', 'wanted', 'heard', 'state'], rows),
    ...status.consumers.flatMap((one) => trouble(one)),
    ...(status.homes.length > 0 ? [describeLags(status.homes)] : []),
  ].join('\n');
}

function trouble({ consumer, state }: ConsumerStatus): string[] {
  if (state === 'ok') return [];
  const daemon = consumer === 'units' ? 'contest' : consumer;
  return [`${consumer} ${WAY_OUT[state]}: does \`prolo daemon ${daemon}\` run? its log says why not`];
}

function describeLags(lags: readonly HomeLag[]): string {
  const rows = lags.map(({ login, hostname, has, wanted }) => [login, hostname, has, wanted]);
  return `\n${table(['login', 'seat', 'home', 'wanted'], rows)}\nwho still has another home gets the one that is wanted at their next login`;
}

export function describeProbes(probes: readonly Probe[]): string {
  const word = (reached: boolean | null): string => (reached === null ? 'unknown' : reached ? 'yes' : 'no');
  const rows = probes.map((probe) => [
    ...[probe.hostname, word(probe.reached), word(probe.wanted)],
    ...[isRight(probe) ? 'ok' : 'not as it should be', probe.words],
  ]);
  return table(['machine', 'internet', 'wanted', 'state', 'words'], rows);
}
