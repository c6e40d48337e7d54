import { printable } from '../../cli/table.ts';
import { foldNodeset } from '../../nodeset.ts';
import { exitStatusOf, type Outcome, STATUSES, type Status } from '../protocol.ts';

const WORDS: Record<Status, string> = {
  ok: 'ok',
  failed: 'failed',
  timeout: 'timed out',
  unreachable: 'unreachable',
  refused: 'refused',
  stopped: 'stopped',
};

/** How many ended how, such as `6 ok, 1 failed, 1 unreachable`. */
export function countsOf(outcomes: readonly Outcome[]): string {
  const counts = countOutcomes(outcomes);
  const told = STATUSES.filter((status) => counts[status] > 0).map(
    (status) => `${counts[status]} ${WORDS[status]}`,
  );
  return told.join(', ') || 'no machine';
}

function countOutcomes(outcomes: readonly Outcome[]): Record<Status, number> {
  const counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>;
  for (const { status } of outcomes) counts[status]++;
  return counts;
}

/** For --json. @param log the run's file, where there is one */
export function summaryData(outcomes: readonly Outcome[], ms: number, log: string | undefined) {
  const exitStatus = Math.max(0, ...outcomes.map(exitStatusOf));
  return { ...countOutcomes(outcomes), exitStatus, ms, log };
}

/** Lines of who is not ok and why, those with one reason together, then the counts. */
export function summaryLines(outcomes: readonly Outcome[], ms: number): string[] {
  const alike = new Map<string, Outcome[]>();
  for (const outcome of outcomes.filter(({ status }) => status !== 'ok')) {
    const key = `${STATUSES.indexOf(outcome.status)} ${reasonOf(outcome)}`;
    const group = alike.get(key);
    if (group) group.push(outcome);
    else alike.set(key, [outcome]);
  }
  const lines = [...alike]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => `${nodesOf(group)}: ${WORDS[group[0]!.status]}: ${reasonOf(group[0]!)}`);
  return [...lines, `${countsOf(outcomes)} in ${(ms / 1000).toFixed(1)} s`];
}

/** `pas-r[01-12]p[01-08] (94)` */
export function nodesOf(outcomes: readonly { hostname: string }[]): string {
  return `${foldNodeset(outcomes.map(({ hostname }) => hostname))} (${outcomes.length})`;
}

/** Why it is not ok, in words that cannot move the cursor. */
export function reasonOf({ reason, exitCode }: Outcome): string {
  return printable(reason ?? `exit status ${exitCode}`);
}
