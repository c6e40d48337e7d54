import type { Mtype } from '../site/schema.ts';

/** A machine as SADM's clients see it: in mdbsync, in `mdb.query`, in the CLI's JSON. */
export interface MachineRecord extends Record<string, unknown> {
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
}

/** A machine with its identity, which no change of a field touches. */
export interface Machine extends MachineRecord {
  id: number;
}

export interface SwitchRecord extends Record<string, unknown> {
  name: string;
  /** LLDP chassis id, `aa:bb:cc:dd:ee:ff`. */
  chassis: string;
  rfs: number;
  hfs: number;
  room: string;
}

export function aliasList(record: { aliases: string }): string[] {
  return record.aliases ? record.aliases.split(',') : [];
}
