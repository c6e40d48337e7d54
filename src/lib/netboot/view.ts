import { aliasList, type Machine } from '../mdb/record.ts';
import type { RfsRecord } from '../rfs/record.ts';

/** MDB as netboot asks it. Never changed: a change of MDB makes a new one. */
export interface MdbView {
  readonly byMac: ReadonlyMap<string, Machine>;
  readonly byIp: ReadonlyMap<string, Machine>;
  /** By hostname and by alias. */
  readonly byName: ReadonlyMap<string, Machine>;
  /** What the machines of an RFS boot, where a version was committed. */
  readonly boots: ReadonlyMap<number, RfsRecord>;
}

export function viewOf(machines: readonly Machine[], boots: readonly RfsRecord[] = []): MdbView {
  return {
    byMac: new Map(machines.map((machine) => [machine.mac, machine])),
    byIp: new Map(machines.map((machine) => [machine.ip, machine])),
    byName: new Map(
      machines.flatMap((machine) => [machine.hostname, ...aliasList(machine)].map((name) => [name, machine])),
    ),
    boots: new Map(boots.map((record) => [record.rfs, record])),
  };
}
