import { printable } from '../cli/table.ts';
import type { MachineRecord } from '../mdb/record.ts';
import { foldNodeset } from '../nodeset.ts';
import { MTYPES } from '../site/schema.ts';
import type { Site } from '../site/site.ts';

/** The flags of `touchFlags`. */
export interface TouchFlags {
  yes: boolean;
  'dry-run'?: boolean;
}

/**
 * Names the machines that are about to be touched, and asks whoever is at the terminal where many of them are contestants'.
 * @param what such as "run `uptime`"
 * @returns whether to go on; for a dry run, never
 */
export async function confirmMachines(
  site: Site,
  machines: readonly MachineRecord[],
  what: string,
  flags: TouchFlags,
  note: (text: string) => void,
): Promise<boolean> {
  const dryRun = flags['dry-run'] ?? false;
  const columns = process.stderr.columns || 100;
  for (const line of describeMachines(machines, `${dryRun ? 'would ' : ''}${what}`, 3 * columns)) note(line);
  if (dryRun) return false;
  const question = flags.yes ? undefined : questionFor(machines, site.config.ssh.askAbove);
  if (question === undefined) return true;
  const { askPerson } = await import('../cli/confirm.ts');
  return (await askPerson(question)) ?? true;
}

/** What a dry run prints: the machines as one node set, whole, that can be used again. @returns their names, for `--json` */
export function showMachines(machines: readonly MachineRecord[], print: (text: string) => void): string[] {
  const names = machines.map(({ hostname }) => hostname);
  print(foldNodeset(names));
  return names;
}

/** Nothing is asked before few machines of contestants. */
export function questionFor(machines: readonly MachineRecord[], askAbove: number): string | undefined {
  const contestants = machines.filter(({ mtype }) => mtype === 'user').length;
  if (contestants <= askAbove) return undefined;
  return `${count(machines.length)}, ${contestants} of contestants: go on?`;
}

/** In words what is about to be done, where, and which of them are marked faulty; no line much longer than `room`. */
export function describeMachines(machines: readonly MachineRecord[], what: string, room: number): string[] {
  const names = machines.map(({ hostname }) => hostname);
  const types = MTYPES.map((mtype) => [machines.filter((one) => one.mtype === mtype).length, mtype] as const)
    .filter(([many]) => many > 0)
    .map((pair) => pair.join(' '));
  const kinds = types.length > 1 ? ` (${types.join(', ')})` : '';
  const shown = printable(what.length > room ? `${what.slice(0, room)}…` : what);
  const faulty = machines.filter((machine) => machine.is_faulty);
  const only = faulty.length === 1 && faulty[0]!.is_faulty_details;
  return [
    `${shown} on ${count(names.length)}${kinds}: ${foldWithin(names, room)}`,
    ...(faulty.length === 0
      ? []
      : [
          `marked faulty: ${foldWithin(
            faulty.map(({ hostname }) => hostname),
            room,
          )}${only ? ` (${printable(only)})` : ''}`,
        ]),
  ];
}

function count(machines: number): string {
  return machines === 1 ? '1 machine' : `${machines} machines`;
}

/** Names folded into at most `room` characters: where that is too little, the first ones, and how many more there are. */
export function foldWithin(names: readonly string[], room: number): string {
  const whole = foldNodeset(names);
  if (whole.length <= room) return whole;
  let [fits, tooMany] = [0, names.length];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (foldNodeset(names.slice(0, middle)).length <= room) fits = middle;
    else tooMany = middle;
  }
  return fits === 0
    ? `${names.length} names`
    : `${foldNodeset(names.slice(0, fits))} and ${names.length - fits} more`;
}
