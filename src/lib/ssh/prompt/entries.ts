import { printable } from '../../cli/table.ts';
import { foldNodeset } from '../../nodeset.ts';
import type { MachineState } from './pool.ts';

/** Something that the prompt says. */
export type Entry =
  /** What was typed. */
  | { is: 'command'; text: string }
  /** Who gave an answer, and how it ended there. */
  | { is: 'title'; text: string }
  /** What machines wrote: several lines. */
  | { is: 'output'; text: string }
  | { is: 'note'; text: string }
  | { is: 'trouble'; text: string };

/** `pas-r[01-12]p[01-08] (94)`. */
export function countedNames(hostnames: readonly string[]): string {
  return `${foldNodeset(hostnames)} (${hostnames.length})`;
}

/** What happened to machines between two looks at them: who went, who came back, who was not reached. */
export function changesOf(
  before: ReadonlyMap<string, MachineState>,
  after: ReadonlyMap<string, MachineState>,
): Entry[] {
  const back: string[] = [];
  const down = new Map<string, string[]>();
  for (const [hostname, state] of after) {
    const was = before.get(hostname);
    if (state.is === 'up' && was?.is === 'down') back.push(hostname);
    if (state.is !== 'down' || (was?.is === 'down' && was.reason === state.reason)) continue;
    const text = `${was?.is === 'up' ? 'gone' : 'down'}: ${printable(state.reason)}`;
    down.set(text, [...(down.get(text) ?? []), hostname]);
  }
  const troubles = [...down].map(([text, names]): Entry => ({
    is: 'trouble',
    text: `${countedNames(names)} ${text}`,
  }));
  return back.length > 0 ? [...troubles, { is: 'note', text: `${countedNames(back)} back` }] : troubles;
}

/** `91 up, 2 connecting, 1 down`. */
export function countsOf(machines: ReadonlyMap<string, MachineState>): string {
  const counts = { up: 0, connecting: 0, down: 0 };
  for (const { is } of machines.values()) counts[is]++;
  return (['up', 'connecting', 'down'] as const)
    .filter((is) => is === 'up' || counts[is] > 0)
    .map((is) => `${counts[is]} ${is}`)
    .join(', ');
}

/** `:machines`: each state once, with those that are in it. */
export function statesSaid(machines: ReadonlyMap<string, MachineState>): Entry[] {
  const groups = new Map<string, string[]>();
  for (const [hostname, state] of machines) {
    const text = state.is === 'down' ? `down: ${printable(state.reason)}` : state.is;
    groups.set(text, [...(groups.get(text) ?? []), hostname]);
  }
  return [...groups].map(([text, names]) => ({
    is: text.startsWith('down') ? 'trouble' : 'note',
    text: `${countedNames(names)} ${text}`,
  }));
}
