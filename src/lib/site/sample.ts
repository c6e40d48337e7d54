import type { MachineInput } from '../mdb/plan.ts';
import type { SwitchRecord } from '../mdb/record.ts';
import type { ConfigDraft } from './write-config.ts';

/**
 * The seed's finals of 2019 as data: 96 PCs in Pasteur and 30 in Masters, whose last rows are the organisers', a
 * gateway, three servers and five RHFS with two NICs each: 140 machines; 10 switches; 120 people.
 */
export const sampleDraft: ConfigDraft = {
  rooms: {
    pasteur: { prefix: 'pas' },
    masters: { prefix: 'mas' },
    alt: { prefix: 'alt' },
    cluster: { prefix: 'cl' },
    other: { prefix: 'other' },
  },
};

const GATEWAY_ALIASES = [
  'mdb',
  'mdbsync',
  'ns',
  'netboot',
  'udb',
  'udbsync',
  'presencesync',
  'ntp',
  'sso',
  'hfsdb',
];
const WEB_ALIASES = [
  'db',
  'concours',
  'wiki',
  'bugs',
  'redmine',
  'docs',
  'home',
  'paste',
  'map',
  'masternode',
];

export function sampleMachines(): MachineInput[] {
  const servers: MachineInput[] = [
    { hostname: 'gw', ip: '192.168.1.254', aliases: GATEWAY_ALIASES, room: 'pasteur' },
    { hostname: 'web', ip: '192.168.1.100', aliases: WEB_ALIASES, room: 'pasteur' },
    { hostname: 'misc', ip: '192.168.1.101', aliases: ['irc', 'sgoinfre'], room: 'pasteur' },
    {
      hostname: 'monitoring',
      ip: '192.168.1.102',
      aliases: ['grafana', 'journal-aggregator'],
      room: 'pasteur',
    },
  ];
  const fileServers = count(0, 9).map((n): MachineInput => {
    const first = n % 2 === 0;
    return {
      // One box, two NICs: the even one bears the box's name.
      hostname: first ? `rhfs${n}${n + 1}` : `rhfs${n}`,
      ip: `192.168.1.${n + 1}`,
      aliases: [
        ...(n === 0 ? ['rhfs', 'rfs', 'hfs'] : []),
        ...(first ? [`rhfs${n}`] : []),
        `rfs${n}`,
        `hfs${n}`,
      ],
      rfs: n,
      hfs: n,
      room: n < 6 ? 'pasteur' : 'masters',
    };
  });
  const infrastructure = [...servers, ...fileServers].map((machine) => ({ ...machine, mtype: 'service' }));
  const pcs = [...seats('pas', 'pasteur', 12, 8, 0, 6), ...seats('mas', 'masters', 5, 6, 6, 4)];
  return [...infrastructure, ...pcs].map((machine, i) => ({
    rfs: 0,
    hfs: 0,
    ...machine,
    mac: sampleMac(i + 1),
  }));
}

/** A room of `rows` × `places` PCs, its rows spread over `servers` file servers from number `first` on. */
function seats(
  prefix: string,
  room: string,
  rows: number,
  places: number,
  first: number,
  servers: number,
): MachineInput[] {
  return count(1, rows).flatMap((row) =>
    count(1, places).map((place) => {
      const server = first + Math.floor(((row - 1) * servers) / rows);
      const organisers = row > rows - (room === 'pasteur' ? 2 : 1);
      return {
        hostname: `${prefix}-r${pad(row)}p${pad(place)}`,
        room,
        rfs: server,
        hfs: server,
        mtype: organisers ? 'orga' : 'user',
      };
    }),
  );
}

/** One switch for each file server's NIC. */
export function sampleSwitches(): SwitchRecord[] {
  return count(0, 9).map((n) => {
    const room = n < 6 ? 'pasteur' : 'masters';
    return {
      name: `sw-${n < 6 ? 'pas' : 'mas'}-${n + 1}`,
      chassis: `68:b5:99:9f:45:${hex(0x40 + n)}`,
      rfs: n,
      hfs: n,
      room,
    };
  });
}

const FIRST = [
  'Zoé',
  'Anaïs',
  'Loïc',
  'Chloé',
  'Hugo',
  'Inès',
  'Jérôme',
  'Léa',
  'Mathéo',
  'Noé',
  'Océane',
  'Rémi',
];
const LAST = [
  'Martin',
  'Lefèvre',
  'Müller',
  'Durand',
  'Benoît',
  'Petit',
  'Nguyễn',
  'Sørensen',
  'Garçon',
  'Dupont',
];

/** 100 contestants, 16 organisers and 4 roots; each name once. */
export function samplePeople(): { name: string; group: 'user' | 'orga' | 'root' }[] {
  return FIRST.flatMap((first) => LAST.map((last) => `${first} ${last}`)).map((name, i) => ({
    name,
    group: i < 100 ? 'user' : i < 116 ? 'orga' : 'root',
  }));
}

/** Addresses of QEMU's range, which no hardware has. */
function sampleMac(n: number): string {
  return `52:54:00:00:${hex(n >> 8)}:${hex(n & 255)}`;
}

function count(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

const pad = (n: number): string => String(n).padStart(2, '0');
const hex = (n: number): string => n.toString(16).padStart(2, '0');
