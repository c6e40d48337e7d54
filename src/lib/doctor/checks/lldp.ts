import { runLight } from '../../exec.ts';
import { type Neighbor, parseNeighbors } from '../../mdb/lldp.ts';
import type { SwitchRecord } from '../../mdb/record.ts';
import { listSwitches } from '../../mdb/switches.ts';
import { check, type Finding, green, NotChecked, type Patient, yellow } from '../check.ts';

interface Facts {
  heard: Neighbor[];
  switches: Pick<SwitchRecord, 'name' | 'chassis'>[];
  /** MACs of machines: a server may speak LLDP too. */
  machines: string[];
}

const PROGRAMS = [
  ['lldpcli', '-f', 'json0', 'show', 'neighbors'],
  ['networkctl', '--json=short', 'lldp'],
];

/** Switches beside this host are those that MDB was told of. */
export const lldp = check({
  name: 'lldp',
  subject: 'switches beside this host',
  async gather({ mdb, store }: Patient): Promise<Facts> {
    const machines = [...(await mdb()).byMac.keys()];
    const switches = await listSwitches((await store()).knex);
    if (switches.length === 0) return { heard: [], switches, machines };
    return { heard: await hearNeighbors(), switches, machines };
  },
  decide: judgeNeighbors,
});

export function judgeNeighbors({ heard, switches, machines }: Facts): Finding[] {
  if (switches.length === 0) return [green('MDB has no switches')];
  const known = new Map(switches.map((one) => [one.chassis, one.name]));
  const others = heard.filter(({ chassis }) => !known.has(chassis) && !machines.includes(chassis));
  const found = others.map(({ link, chassis, name }) =>
    yellow(
      `${link}: beside it is ${name || 'a switch'} (${chassis}), which MDB has not`,
      'prolo mdb switch list; prolo mdb switch --help',
    ),
  );
  if (heard.length === 0)
    found.push(yellow('no switch says by LLDP what it is', 'is LLDP on at the switches?'));
  if (found.length > 0) return found;
  return [green(heard.map(({ link, chassis }) => `${link}: ${known.get(chassis) ?? chassis}`).join(', '))];
}

/** @throws NotChecked where nothing here hears LLDP */
export async function hearNeighbors(): Promise<Neighbor[]> {
  const told = await Promise.all(
    PROGRAMS.map(async (argv) => {
      try {
        const { exitCode, stdout } = await runLight(argv, 3_000);
        return exitCode === 0 ? parseNeighbors(stdout) : undefined;
      } catch {
        return undefined; // not installed, or it says something else
      }
    }),
  );
  const heard = told.filter((one) => one !== undefined);
  if (heard.length === 0) throw new NotChecked('neither lldpd nor systemd-networkd runs here');
  return heard.find((one) => one.length > 0) ?? [];
}
