import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { runLight } from '../../exec.ts';
import { check, green, NotChecked, type Patient, red } from '../check.ts';

export interface Heard {
  ip: string;
  mac: string;
}

interface Facts {
  heard: Heard[];
  machines: { hostname: string; ip: string; mac: string }[];
}

/** Whoever is on a LAN has answered ARP by then. */
const ANSWER_MS = 1_200;

/** Whose network card answers for each address of MDB. */
export const neighbours = check({
  name: 'addresses',
  subject: 'no address is taken by another network card',
  async gather({ mdb }: Patient): Promise<Facts> {
    const machines = [...(await mdb()).byMac.values()];
    await nudge(machines.map(({ ip }) => ip));
    const { exitCode, stdout, stderr } = await runLight(['ip', '-j', '-4', 'neigh', 'show'], 3_000);
    if (exitCode !== 0) throw new NotChecked(`ip neigh: ${stderr.trim()}`);
    return { heard: parseNeighbours(stdout), machines };
  },
  decide({ heard, machines }: Facts) {
    const byIp = new Map(machines.map((machine) => [machine.ip, machine]));
    const byMac = new Map(machines.map((machine) => [machine.mac, machine]));
    const wrong = heard.flatMap(({ ip, mac }) => {
      const machine = byIp.get(ip);
      if (!machine || machine.mac === mac) return [];
      const who = byMac.get(mac)?.hostname ?? 'which is not in MDB';
      return [
        red(
          `${ip}: ${machine.hostname}'s (${machine.mac}), and ${mac} answers for it, ${who}`,
          `arping -c 3 ${ip} tells who answers; prolo mdb set ${machine.hostname} --mac ${mac}, if its card was changed`,
        ),
      ];
    });
    const known = heard.filter(({ ip }) => byIp.has(ip)).length;
    return wrong.length > 0
      ? wrong
      : [green(`${known} of ${machines.length} machines answer, each for its own`)];
  },
});

/** A packet for nobody makes the kernel ask whose address it is. */
async function nudge(addresses: readonly string[]): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  for (const address of addresses) socket.send(Buffer.alloc(1), 9, address, () => undefined);
  await sleep(ANSWER_MS);
  socket.close();
}

/** @param json of `ip -j neigh` */
export function parseNeighbours(json: string): Heard[] {
  const entries = JSON.parse(json || '[]') as { dst?: string; lladdr?: string; state?: string[] }[];
  return entries.flatMap(({ dst, lladdr, state = [] }) =>
    dst && lladdr && !state.includes('FAILED') ? [{ ip: dst, mac: lladdr.toLowerCase() }] : [],
  );
}
