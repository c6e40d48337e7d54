import { aliasList, type Machine } from '../mdb/record.ts';

/** MDB as netboot asks it. Never changed: a change of MDB makes a new one. */
export interface MdbView {
  readonly byMac: ReadonlyMap<string, Machine>;
  readonly byIp: ReadonlyMap<string, Machine>;
  /** By hostname and by alias. */
  readonly byName: ReadonlyMap<string, Machine>;
}

export function viewOf(machines: readonly Machine[]): MdbView {
  return {
    byMac: new Map(machines.map((machine) => [machine.mac, machine])),
    byIp: new Map(machines.map((machine) => [machine.ip, machine])),
    byName: new Map(
      machines.flatMap((machine) => [machine.hostname, ...aliasList(machine)].map((name) => [name, machine])),
    ),
  };
}
