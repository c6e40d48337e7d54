import { aliasList, type MachineRecord } from '../mdb/record.ts';
import { parseNodeset } from '../nodeset.ts';

/**
 * Takes the gateway and the other servers out of a selection, unless a word names them: a group or a pattern that has them among
 * others does not.
 */
export function spareServers<M extends MachineRecord>(
  machines: readonly M[],
  words: readonly string[],
  gateway: string,
): { kept: M[]; spared: M[] } {
  const named = new Set(
    words.filter((word) => !/[@*?]/.test(word)).flatMap((word) => parseNodeset(word.toLowerCase())),
  );
  const spared = machines.filter((machine) => {
    const names = [machine.hostname, machine.ip, machine.mac, ...aliasList(machine)];
    const isServer = machine.mtype === 'service' || names.includes(gateway);
    return isServer && !names.some((name) => named.has(name));
  });
  const out = new Set(spared);
  return { kept: machines.filter((machine) => !out.has(machine)), spared };
}
