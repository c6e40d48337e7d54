import type { MachineRecord, SwitchRecord } from '../mdb/record.ts';

type Place = Pick<MachineRecord, 'room' | 'rfs' | 'hfs'>;

/**
 * Which switch a machine hangs on. MDB does not say it of a machine, but a machine that registered has the room and the servers of
 * its switch: so it is the one switch that has them too. Where none or several do, machines that have them all count as one's.
 * @returns the name of the switch, or what stands for it
 */
export function switchesOf(switches: readonly SwitchRecord[]): (machine: Place) => string {
  const names = new Map<string, string[]>();
  for (const one of switches) names.set(placeOf(one), [...(names.get(placeOf(one)) ?? []), one.name]);
  return (machine) => {
    const place = placeOf(machine);
    const [name, ...others] = names.get(place) ?? [];
    return name !== undefined && others.length === 0 ? name : place;
  };
}

function placeOf({ room, rfs, hfs }: Place): string {
  return `${room}, rfs ${rfs}, hfs ${hfs}`;
}
