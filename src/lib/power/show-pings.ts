import { table } from '../cli/table.ts';
import { type Answer, groupAnswers } from './ping.ts';

/** Machines that answered alike in a line. */
export function groupTable(answers: readonly Answer[]): string {
  return table(
    ['state', 'count', 'time', 'why', 'machines'],
    groupAnswers(answers).map(({ state, count, medianMs, slowestMs, reason, names }) => [
      state,
      count,
      medianMs === undefined ? '' : `${medianMs} ms, at most ${slowestMs}`,
      reason,
      names,
    ]),
  );
}

export function eachTable(answers: readonly Answer[]): string {
  return table(
    ['hostname', 'ip', 'state', 'ms', 'why'],
    answers.map(({ hostname, ip, state, ms, reason }) => [hostname, ip, state, ms, reason]),
  );
}

/** Such as `32 s: up (8): pas-r01p[01-08]`. */
export function changeLines(changes: readonly Answer[], afterMs: number): string {
  return groupAnswers(changes)
    .map(
      ({ state, count, names, reason }) =>
        `${Math.round(afterMs / 1000)} s: ${state} (${count}): ${names}${reason === undefined ? '' : `, ${reason}`}`,
    )
    .join('\n');
}
