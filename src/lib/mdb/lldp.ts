import { ProloError } from '../errors.ts';
import { aliasList, type MachineRecord, type SwitchRecord } from './record.ts';
import { cleanText, normalizeMac } from './validate.ts';

/** A neighbour that a host heard of by LLDP. */
export interface Neighbor {
  /** The host's own interface. */
  link: string;
  chassis: string;
  /** As it names itself; empty when it does not. */
  name: string;
  /** What it says it does: `Bridge`, `Router`, `Station`…; empty when it does not say. */
  does: string[];
}

/** networkctl's letters, in the order of the capabilities' bits. */
const CAPABILITIES: Record<string, string> = {
  o: 'Other',
  p: 'Repeater',
  b: 'Bridge',
  w: 'Wlan',
  r: 'Router',
  t: 'Tel',
  d: 'Docsis',
  a: 'Station',
  c: 'Customer VLAN',
  s: 'Service VLAN',
  m: 'Relay',
};

/**
 * Reads what `lldpcli -f json` (or json0) or `networkctl lldp` (also with --json) prints. Neighbours whose chassis id is no
 * MAC are left out: nothing could be told by it. Whoever is on the wire chose the names, and people read them: they are plain text.
 * @throws ProloError `bad-input` when the text is neither
 */
export function parseNeighbors(text: string): Neighbor[] {
  const neighbors = text.trimStart().startsWith('{') ? fromJson(text) : fromTable(text);
  return neighbors.flatMap((neighbor) => {
    const chassis = normalizeMac(neighbor.chassis);
    return chassis
      ? [
          {
            ...neighbor,
            chassis,
            name: cleanText(neighbor.name, 100),
            does: neighbor.does.map((one) => cleanText(one, 30)),
          },
        ]
      : [];
  });
}

type Json = { [key: string]: Json | undefined } | Json[] | string | number | boolean | null;

function fromJson(text: string): Neighbor[] {
  let parsed: Json;
  try {
    parsed = JSON.parse(text) as Json;
  } catch (error) {
    throw new ProloError('bad-input', `lldp: ${(error as Error).message}`, { cause: error });
  }
  const lldp = get(parsed, 'lldp');
  if (lldp !== undefined)
    return list(lldp)
      .flatMap((part) => list(get(part, 'interface')))
      .flatMap(fromLldpcli);
  const links = get(parsed, 'Neighbors');
  if (links === undefined) throw notLldp();
  return list(links).flatMap((link) =>
    list(get(link, 'Neighbors')).map((neighbor) => fromNetworkctl(link, neighbor)),
  );
}

/** lldpcli's `json` has a thing itself where it is alone, and its name as a key; `json0` has lists and names as values. */
function fromLldpcli(entry: Json): Neighbor[] {
  const named: [string, Json][] =
    get(entry, 'chassis') !== undefined ? [[string(get(entry, 'name')), entry]] : entries(entry);
  return named.flatMap(([link, port]) =>
    list(get(port, 'chassis')).map((chassis) => {
      const [name, about] =
        get(chassis, 'id') === undefined
          ? (entries(chassis)[0] ?? ['', null])
          : [text(get(chassis, 'name')), chassis];
      const id = list(get(about, 'id'))[0] ?? null;
      const does = list(get(about, 'capability')).filter((one) => get(one, 'enabled') === true);
      return {
        link,
        name,
        chassis: string(get(id, 'value')),
        does: does.map((one) => string(get(one, 'type'))),
      };
    }),
  );
}

function fromNetworkctl(link: Json, neighbor: Json): Neighbor {
  const bits = Number(get(neighbor, 'EnabledCapabilities') ?? 0);
  return {
    link: string(get(link, 'InterfaceName')),
    chassis: string(get(neighbor, 'ChassisID')),
    name: string(get(neighbor, 'SystemName')),
    does: Object.values(CAPABILITIES).filter((_name, bit) => bits & (1 << bit)),
  };
}

/** A table whose columns systemd has moved about: found by the header, up to the blank line after it. */
function fromTable(text: string): Neighbor[] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => /\bLINK\b/.test(line) && /CHASSIS[ -]ID/.test(line));
  if (start < 0) throw notLldp();
  const end = lines.findIndex((line, i) => i > start && line.trim() === '');
  return lines.slice(start + 1, end < 0 ? undefined : end).map((line) => {
    const chassis = /(?:^|\s)([0-9a-f]{2}(?::[0-9a-f]{2}){5})(?=\s|$)/i.exec(line);
    const caps = /(?:^|\s)([opbwrtdascm.]{11})(?=\s|$)/.exec(line);
    return {
      link: line.trim().split(/\s+/)[0] ?? '',
      chassis: chassis?.[1] ?? '',
      name: tableName(lines[start]!, line, chassis, caps),
      does: [...(caps?.[1] ?? '')].flatMap((letter) => CAPABILITIES[letter] ?? []),
    };
  });
}

/** The name stands between chassis and capabilities in older tables, after the link in newer ones. */
function tableName(
  header: string,
  line: string,
  chassis: RegExpExecArray | null,
  caps: RegExpExecArray | null,
): string {
  const at = header.search(/SYSTEM[ -]NAME/);
  if (chassis && caps && at > header.search(/CHASSIS[ -]ID/))
    return dash(line.slice(chassis.index + chassis[0].length, caps.index));
  return dash(line.trim().split(/\s+/)[1] ?? '');
}

const dash = (text: string): string => (text.trim() === '-' || text.trim() === 'n/a' ? '' : text.trim());

function notLldp(): ProloError {
  return new ProloError('bad-input', 'lldp: neither of `lldpcli -f json` nor of `networkctl lldp`', {
    hint: 'run one of the two on the file server, and give its output as a file or on standard input',
  });
}

function get(value: Json | undefined, key: string): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value[key] : undefined;
}

function list(value: Json | undefined): Json[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}

function entries(value: Json): [string, Json][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).map(([key, part]) => [key, part ?? null])
    : [];
}

function string(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** json0 wraps a text once more. */
function text(value: Json | undefined): string {
  return string(value) || string(get(list(value)[0], 'value'));
}

export interface LearnOptions {
  rfs: number;
  hfs: number;
  room: string;
  /** Only what this interface of the file server heard. */
  link?: string;
}

/**
 * The switch that a file server is at. A neighbour that is a machine of MDB, or says that it does not switch, is none:
 * a server that was taken for one has sent half the machines to the wrong file server.
 * @throws ProloError `not-found` when there is none, `conflict` when there are several: then `link` says which
 */
export function learnSwitch(
  neighbors: readonly Neighbor[],
  machines: readonly MachineRecord[],
  { link, ...server }: LearnOptions,
): { record: SwitchRecord; ignored: string[] } {
  const owners = new Map(machines.map((machine) => [machine.mac, machine]));
  const names = new Map(
    machines.flatMap((machine) => [machine.hostname, ...aliasList(machine)].map((name) => [name, machine])),
  );
  const ignored: string[] = [];
  const found = new Map<string, Neighbor>();
  for (const neighbor of neighbors.filter((one) => link === undefined || one.link === link)) {
    const what = `${neighbor.name || 'nameless'} (${neighbor.chassis}, on ${neighbor.link})`;
    const machine = owners.get(neighbor.chassis) ?? names.get(neighbor.name.toLowerCase());
    if (machine) ignored.push(`${what} is the machine ${machine.hostname}`);
    else if (neighbor.does.length > 0 && !neighbor.does.some((one) => one === 'Bridge' || one === 'Router'))
      ignored.push(`${what} says that it is no switch: ${neighbor.does.join(', ')}`);
    else found.set(neighbor.chassis, neighbor);
  }
  const [first, ...others] = found.values();
  const hint = ignored.length > 0 ? { hint: `ignored: ${ignored.join('; ')}` } : {};
  if (!first)
    throw new ProloError('not-found', `lldp: no switch was heard${link ? ` on ${link}` : ''}`, hint);
  if (others.length > 0)
    throw new ProloError(
      'conflict',
      `lldp: several switches were heard: ${[first, ...others].map((one) => `${one.name || one.chassis} on ${one.link}`).join(', ')}`,
      { hint: 'name the interface of this file server with --interface' },
    );
  return { record: { name: switchName(first), chassis: first.chassis, ...server }, ignored };
}

/** A DNS label: as the switch names itself, else by its chassis id. */
function switchName({ name, chassis }: Neighbor): string {
  const label = name
    .split('.')[0]!
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '');
  return label || `sw-${chassis.replaceAll(':', '').slice(6)}`;
}
