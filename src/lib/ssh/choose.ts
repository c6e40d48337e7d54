import { confirm } from '../cli/confirm.ts';
import type { MachineRecord } from '../mdb/record.ts';
import { readMachines } from '../mdb/source.ts';
import { foldNodeset, selectMachines } from '../nodeset.ts';
import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';

/** Which machines the operator means: the words and flags of `selectionFlags`. */
export interface Selection {
  words: readonly string[];
  exclude?: readonly string[] | undefined;
}

/** @throws ProloError `not-found` for a name that is no machine's, and where nothing is left */
export async function chooseMachines(
  site: Site,
  store: () => Promise<Store>,
  { words, exclude = [] }: Selection,
): Promise<MachineRecord[]> {
  const all = await readMachines(site, store);
  const chosen = words.length > 0 ? selectMachines(words, all, { nonEmpty: true }) : all;
  const out = new Set(exclude.length > 0 ? selectMachines(exclude, all) : []);
  return chosen.filter((machine) => !out.has(machine));
}

/**
 * Names the machines that are about to be touched, and asks where many of them are contestants'.
 * @param what such as "run `uptime`"
 * @returns whether to go on
 */
export async function confirmMachines(
  site: Site,
  machines: readonly MachineRecord[],
  what: string,
  { yes }: { yes: boolean },
  note: (text: string) => void,
): Promise<boolean> {
  const names = foldNodeset(machines.map(({ hostname }) => hostname));
  note(`${what} on ${machines.length} machines: ${names}`);
  const contestants = machines.filter(({ mtype }) => mtype === 'user').length;
  if (yes || contestants <= site.config.ssh.askAbove || !process.stdin.isTTY) return true;
  return confirm(`${contestants} of them are contestants'. Go on?`, false);
}
