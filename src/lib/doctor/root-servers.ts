import type { MdbView } from '../netboot/view.ts';

export interface RootServer {
  hostname: string;
  ip: string;
  /** Of the RFS that it is. */
  numbers: number[];
}

/** Those that machines boot from; a number that no machine of MDB stands for is left out. */
export function rootServers(view: MdbView): RootServer[] {
  const wanted = new Set(
    [...view.byMac.values()].filter(({ mtype }) => mtype !== 'service').map(({ rfs }) => rfs),
  );
  const servers = new Map<string, RootServer>();
  for (const number of [...wanted].sort((a, b) => a - b)) {
    const machine = view.byName.get(`rfs${number}`);
    if (!machine) continue;
    const known = servers.get(machine.hostname);
    if (known) known.numbers.push(number);
    else servers.set(machine.hostname, { hostname: machine.hostname, ip: machine.ip, numbers: [number] });
  }
  return [...servers.values()];
}

/** Numbers of RFS that machines have, and nobody is. */
export function missingServers(view: MdbView): number[] {
  const machines = [...view.byMac.values()].filter(({ mtype }) => mtype !== 'service');
  return [...new Set(machines.map(({ rfs }) => rfs))]
    .filter((rfs) => !view.byName.has(`rfs${rfs}`))
    .sort((a, b) => a - b);
}
