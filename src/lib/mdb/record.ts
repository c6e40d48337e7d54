import type { Mtype } from '../site/schema.ts';

/** A machine as SADM's clients see it: in mdbsync, in `mdb.query`, in the CLI's JSON. */
export type MachineRecord = {
  hostname: string;
  /** `a,b`, in their order; empty when there are none. */
  aliases: string;
  ip: string;
  /** `aa:bb:cc:dd:ee:ff` */
  mac: string;
  rfs: number;
  hfs: number;
  mtype: Mtype;
  room: string;
  is_faulty: boolean;
  is_faulty_details: string;
};

/** A machine with its identity, which no change of a field touches. */
export type Machine = MachineRecord & {
  id: number;
  /** The netboot profile of its next boot only, or null. */
  boot_once: string | null;
};

export type SwitchRecord = {
  name: string;
  /** LLDP chassis id, `aa:bb:cc:dd:ee:ff`. */
  chassis: string;
  rfs: number;
  hfs: number;
  room: string;
};

export const MACHINE_FIELDS = [
  'hostname',
  'aliases',
  'ip',
  'mac',
  'rfs',
  'hfs',
  'mtype',
  'room',
  'is_faulty',
  'is_faulty_details',
] as const;

export function aliasList(record: { aliases: string }): string[] {
  return record.aliases ? record.aliases.split(',') : [];
}

/** What goes out: the record without what is ours alone. */
export function toRecord(machine: Machine): MachineRecord {
  const { id: _id, boot_once: _bootOnce, ...record } = machine;
  return record;
}
