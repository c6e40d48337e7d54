import { ProloError } from '../errors.ts';
import { aliasList, type MachineRecord } from './record.ts';
import { normalizeMac, quote } from './validate.ts';

/** A machine by hostname, alias, MAC or address. @throws ProloError `not-found` */
export function findMachine<M extends MachineRecord>(machines: readonly M[], name: string): M {
  const wanted = name.trim().toLowerCase();
  const mac = normalizeMac(name);
  const machine = machines.find(
    (m) => m.hostname === wanted || m.mac === mac || m.ip === wanted || aliasList(m).includes(wanted),
  );
  if (machine) return machine;
  throw new ProloError('not-found', `machine ${quote(name)}: not in MDB`, {
    hint: /[@[,&!^*]/.test(name)
      ? 'one machine is asked for here, not a node set'
      : '`prolo mdb list` shows those that are',
  });
}
