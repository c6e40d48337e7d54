import { MTYPES } from '../site/schema.ts';
import { aliasList, type MachineRecord } from './record.ts';

/** What Ansible expects of a dynamic inventory's `--list`. */
export interface Inventory {
  _meta: { hostvars: Record<string, HostVars> };
  [group: string]: { hosts: string[] } | Inventory['_meta'];
}

type HostVars = Pick<MachineRecord, 'mac' | 'rfs' | 'hfs' | 'room' | 'is_faulty' | 'is_faulty_details'> & {
  aliases: string[];
};

/** Names of groups that are taken: those of machine types, and Ansible's own. */
const TAKEN = new Set<string>([...MTYPES, 'all', 'ungrouped', '_meta']);

/**
 * The machines as groups by mtype and by room. A room named like a machine type is the group `room_<name>`, so that
 * neither gets the other's machines.
 */
export function renderInventory(machines: readonly MachineRecord[], rooms: readonly string[]): Inventory {
  const groups = new Map<string, string[]>([...MTYPES, ...rooms.map(roomGroup)].map((name) => [name, []]));
  const join = (group: string, hostname: string): void => {
    const hosts = groups.get(group);
    if (hosts) hosts.push(hostname);
    else groups.set(group, [hostname]);
  };
  for (const { hostname, mtype, room } of machines) {
    join(mtype, hostname);
    join(roomGroup(room), hostname);
  }
  return {
    ...Object.fromEntries([...groups].map(([name, hosts]) => [name, { hosts }])),
    _meta: { hostvars: Object.fromEntries(machines.map((machine) => [machine.hostname, hostVars(machine)])) },
  };
}

function roomGroup(room: string): string {
  return TAKEN.has(room) ? `room_${room}` : room;
}

function hostVars(machine: MachineRecord): HostVars {
  const { mac, rfs, hfs, room, is_faulty, is_faulty_details } = machine;
  return { mac, rfs, hfs, room, aliases: aliasList(machine), is_faulty, is_faulty_details };
}
