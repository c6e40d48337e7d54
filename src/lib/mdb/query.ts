import type { FilterFields } from '../rpc/filter.ts';
import { aliasList, type MachineRecord, type SwitchRecord } from './record.ts';

/** What `mdb.query` may filter by. */
export const MACHINE_FILTERS: FilterFields<MachineRecord> = {
  hostname: {
    type: 'text',
    description: "the machine's name or any of its aliases",
    values: (machine) => [machine.hostname, ...aliasList(machine)],
  },
  ip: { type: 'ip', description: 'its address' },
  aliases: { type: 'text', description: 'its aliases, as a,b' },
  mac: { type: 'mac', description: 'its MAC address' },
  rfs: { type: 'number', description: 'the nearest root file server' },
  hfs: { type: 'number', description: 'the nearest home file server' },
  mtype: { type: 'text', description: 'user, orga, cluster or service' },
  room: { type: 'text', description: 'where it stands' },
};

/** What `mdb.switches` may filter by. */
export const SWITCH_FILTERS: FilterFields<SwitchRecord> = {
  name: { type: 'text', description: "the switch's name" },
  chassis: { type: 'mac', description: 'its LLDP chassis id' },
  rfs: { type: 'number', description: 'the root file server of the machines behind it' },
  hfs: { type: 'number', description: 'their home file server' },
  room: { type: 'text', description: 'where it stands' },
};
