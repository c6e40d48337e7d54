import { ProloError } from '../errors.ts';
import { matchMachine } from './machines.ts';
import type { MachineInput, Wish } from './plan.ts';
import type { Machine } from './record.ts';

/**
 * What importing these records means for MDB as it is: each is a machine of that hostname, else of that MAC, else new.
 * @throws ProloError `conflict` when two records speak of one machine
 */
export function decideImport(
  current: readonly Machine[],
  rows: readonly { input: MachineInput; where?: string }[],
  removeOthers: boolean,
): { wishes: Wish[]; remove: Machine[] } {
  const byName = new Map(current.map((machine) => [machine.hostname, machine]));
  const named = new Set(rows.map(({ input }) => byName.get(input.hostname?.trim().toLowerCase() ?? '')?.id));
  const wishes = rows.map((row): Wish => {
    const { input } = row;
    const own = byName.get(input.hostname?.trim().toLowerCase() ?? '');
    const match = own ? { machine: own } : matchMachine(current, input);
    // A MAC whose machine the file names too has moved: this record is a machine of its own.
    return match && (own || !named.has(match.machine.id)) ? { ...row, ...match } : row;
  });
  const seen = new Map<number, MachineInput>();
  for (const { machine, input } of wishes) {
    const other = machine && seen.get(machine.id);
    if (other)
      throw new ProloError(
        'conflict',
        `machine ${machine.hostname}: the file names it twice (${other.hostname}, ${input.hostname})`,
      );
    if (machine) seen.set(machine.id, input);
  }
  return { wishes, remove: removeOthers ? current.filter(({ id }) => !seen.has(id)) : [] };
}
