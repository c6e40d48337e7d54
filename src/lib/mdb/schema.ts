import { Type } from 'typebox';

/** A machine's record on the wire; what its values may be is decided where machines are changed. */
export const MachineSchema = Type.Object({
  hostname: Type.String(),
  aliases: Type.String({ description: 'a,b' }),
  ip: Type.String(),
  mac: Type.String(),
  rfs: Type.Integer(),
  hfs: Type.Integer(),
  mtype: Type.String(),
  room: Type.String(),
  is_faulty: Type.Boolean(),
  is_faulty_details: Type.String(),
});

export const SwitchSchema = Type.Object({
  name: Type.String(),
  chassis: Type.String(),
  rfs: Type.Integer(),
  hfs: Type.Integer(),
  room: Type.String(),
});
