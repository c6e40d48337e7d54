import { stat, statfs } from 'node:fs/promises';
import type { Neighbor } from '../../mdb/lldp.ts';
import { check, type Finding, green, type Patient, red, yellow } from '../check.ts';
import { hearNeighbors } from '../checks/lldp.ts';
import { judgeNic, nic, type Nic } from '../checks/nic.ts';
import { units } from '../checks/units.ts';
import { NODES, type Order, type SeatPatient } from './order.ts';

/** Those of the gateway's own checks that look the same everywhere. */
const asPatient = (patient: SeatPatient): Patient => patient as unknown as Patient;

export const seatNic = check({
  name: 'nic',
  subject: 'speed, duplex and pause frames of its network card',
  gather: (patient: SeatPatient) => nic.gather(asPatient(patient)) as Promise<Nic[]>,
  decide(nics: Nic[]): Finding[] {
    const found = nics.flatMap(judgeNic);
    const speeds = [...new Set(nics.filter(({ speed }) => speed > 0).map(({ speed }) => `${speed} Mbit/s`))];
    return found.length > 0 ? found : [green(speeds.sort().join(', ') || 'its speed is not known')];
  },
});

export const seatUnits = check({
  name: 'units',
  subject: 'units of systemd',
  gather: (patient: SeatPatient) => units.gather(asPatient(patient)) as Promise<string[]>,
  decide: (failed: string[]) => units.decide(failed),
});

interface Beside {
  heard: Neighbor[];
  order: Pick<Order, 'switches' | 'at'>;
}

/** The switch is the one whose servers and room the machine was registered with. */
export const seatLldp = check({
  name: 'lldp',
  subject: 'the switch that it was registered at',
  async gather({ order }: SeatPatient): Promise<Beside> {
    return { heard: order.switches.length > 0 ? await hearNeighbors() : [], order };
  },
  decide: judgeBeside,
});

export function judgeBeside({ heard, order: { switches, at } }: Beside): Finding[] {
  if (switches.length === 0) return [green('MDB has no switches')];
  // Servers and telephones speak LLDP too.
  const bridges = heard.filter(
    ({ chassis, does }) =>
      switches.some((one) => one.chassis === chassis) ||
      does.length === 0 ||
      does.includes('Bridge') ||
      does.includes('Router'),
  );
  if (bridges.length === 0)
    return [
      yellow('no switch says by LLDP what it is', 'is LLDP on at the switches, and LLDP=yes in networkd?'),
    ];
  const found = bridges.flatMap(({ chassis, name }): Finding[] => {
    const known = switches.find((one) => one.chassis === chassis);
    if (!known)
      return [
        yellow(`it is at ${name || 'a switch'} (${chassis}), which MDB has not`, 'prolo mdb switch --help'),
      ];
    const other = (['rfs', 'hfs', 'room'] as const).filter((field) => known[field] !== at[field]);
    if (other.length === 0) return [];
    const say = (one: Order['at']): string => other.map((field) => `${field} ${one[field]}`).join(', ');
    return [
      yellow(
        `it is at ${known.name} (${say(known)}), and is registered with ${say(at)}`,
        `prolo mdb set ${NODES} ${other.map((field) => `--${field} ${known[field]}`).join(' ')}; or back to its place`,
      ),
    ];
  });
  return found.length > 0 ? found : [green('the switch that it was registered at')];
}

export interface Room {
  dir: string;
  /** Parts of 1 that are free; 1 where there is no limit. */
  space: number;
  inodes: number;
}

const PLACES = ['/', '/var', '/tmp', '/run', '/home'];
const [RED, YELLOW] = [0.05, 0.15];
/** So much is room enough, however small a part of a large disk it is. */
const ROOM_BYTES = 50e9;

/** On a PC `/` is what the overlay has for what is written: memory. */
export const seatDisk = check({
  name: 'disk',
  subject: 'space for what is written',
  async gather(_: SeatPatient): Promise<Room[]> {
    const seen = new Set<number>();
    const rooms: Room[] = [];
    for (const dir of PLACES) {
      const found = await stat(dir).catch(() => undefined);
      if (!found || seen.has(found.dev)) continue;
      seen.add(found.dev);
      const { bsize, blocks, bavail, files, ffree } = await statfs(dir);
      const isRoomy = blocks === 0 || bavail * bsize > ROOM_BYTES;
      rooms.push({ dir, space: isRoomy ? 1 : bavail / blocks, inodes: files > 0 ? ffree / files : 1 });
    }
    return rooms;
  },
  decide: judgeRooms,
});

export function judgeRooms(rooms: readonly Room[]): Finding[] {
  const found = rooms.flatMap(({ dir, space, inodes }) =>
    [
      { free: space, of: 'space', look: `prolo pssh ${NODES} -- 'du -xhd1 ${dir} | sort -h | tail'` },
      {
        free: inodes,
        of: 'inodes',
        look: `prolo pssh ${NODES} -- 'du --inodes -xd1 ${dir} | sort -n | tail'`,
      },
    ].flatMap(({ free, of, look }) => {
      if (free < RED) return [red(`${dir}: less than 5 % of its ${of} free`, look)];
      return free < YELLOW ? [yellow(`${dir}: less than 15 % of its ${of} free`, look)] : [];
    }),
  );
  return found.length > 0 ? found : [green('room for what is written')];
}
