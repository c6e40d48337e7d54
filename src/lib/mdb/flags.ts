import { Flags } from '@oclif/core';
import { MTYPES } from '../site/schema.ts';
import type { MachineInput } from './plan.ts';

/** The fields of a machine as flags: SADM's addmachine's names. */
export const machineFlags = {
  mac: Flags.string({ description: 'MAC address, in any usual notation', helpValue: 'M' }),
  ip: Flags.string({
    description: "its address; left out: the first free one of its type's pool",
    helpValue: 'I',
  }),
  aliases: Flags.string({ description: 'more names, a,b (an empty text: none)', helpValue: 'a,b' }),
  rfs: Flags.integer({ description: 'number of the nearest root file server', helpValue: 'N' }),
  hfs: Flags.integer({ description: 'number of the nearest home file server', helpValue: 'N' }),
  mtype: Flags.string({
    description: `what it is: ${MTYPES.join(', ')}; a new one: user`,
    options: [...MTYPES],
    helpValue: 'T',
  }),
  room: Flags.string({
    description: 'where it stands, one of `rooms` in prolo.yml; a new one: the first of them',
    helpValue: 'R',
  }),
};

type FieldFlags = { [name in keyof typeof machineFlags]?: string | number | undefined };

/** The flags that were given, as a wish. */
export function machineInput(flags: FieldFlags): MachineInput {
  const { aliases, ...rest } = Object.fromEntries(
    Object.keys(machineFlags).flatMap((name) => {
      const value = flags[name as keyof FieldFlags];
      return value === undefined ? [] : [[name, value]];
    }),
  ) as MachineInput & { aliases?: string };
  return { ...rest, ...(aliases === undefined ? {} : { aliases: aliases.split(',').filter(Boolean) }) };
}
