import { ProloError } from '../errors.ts';
import { aliasList, type MachineRecord } from '../mdb/record.ts';

/** A machine that exports versions; one may be several RFS. */
export interface RfsHost {
  machine: MachineRecord;
  numbers: number[];
}

/**
 * The root file servers that MDB's machines boot from, in order of their numbers.
 * @throws ProloError `not-found` for a number that machines have and no alias `rfsN` stands for
 */
export function findServers(machines: readonly MachineRecord[]): RfsHost[] {
  const wanted = new Set(machines.filter(({ mtype }) => mtype !== 'service').map(({ rfs }) => rfs));
  const byName = new Map(
    machines.flatMap((machine) =>
      [machine.hostname, ...aliasList(machine)].map((name) => [name, machine] as const),
    ),
  );
  const hosts = new Map<string, RfsHost>();
  for (const number of [...wanted].sort((a, b) => a - b)) {
    const machine = byName.get(`rfs${number}`);
    if (!machine)
      throw new ProloError('not-found', `rfs ${number}: no machine in MDB has the alias rfs${number}`, {
        hint: 'give it to the server, or the machines that boot from it another number: `prolo mdb set --help`',
      });
    const host = hosts.get(machine.hostname) ?? { machine, numbers: [] };
    host.numbers.push(number);
    hosts.set(machine.hostname, host);
  }
  return [...hosts.values()];
}
