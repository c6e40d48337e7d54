import { ProloError } from '../errors.ts';
import { formatIp, parseIp } from '../net.ts';
import { renderTemplate } from '../template.ts';
import { quote } from '../mdb/validate.ts';

/** One line of a zone. Names are relative to the zone's origin; a PTR's target is a whole name without its last dot. */
export interface DnsRecord {
  name: string;
  type: 'A' | 'PTR';
  data: string;
  /** Whom a checker's complaint about it is about: `machine pas-r01p01`. */
  owner: string;
}

export interface Zone {
  view: string;
  origin: string;
  /** Where it is written, below the folder of named.conf. */
  file: string;
  /** The site's domain, and the whole name of its name server. */
  domain: string;
  server: string;
  ttlSeconds: number;
  records: readonly DnsRecord[];
}

export interface RenderedZone {
  text: string;
  /** The owner of each record by its line, counted from 1. */
  owners: ReadonlyMap<number, string>;
}

const NEGATIVE_TTL_S = 10; // a machine that has just registered is found by those who asked too early

/**
 * A zone as the text of its file: one record, one line.
 * @throws ProloError `bad-input` for a record that could be anything but the one line it is meant to be
 */
export function renderZone(zone: Zone, serial: number): RenderedZone {
  const head = renderTemplate('named/zone', {
    origin: checkName('zone', zone.origin),
    domain: checkName('zone', zone.domain),
    server: checkName('zone', zone.server),
    ttl: zone.ttlSeconds,
    negativeTtl: Math.min(zone.ttlSeconds, NEGATIVE_TTL_S),
    serial,
  });
  const first = head.split('\n').length;
  const owners = new Map(zone.records.map(({ owner }, i) => [first + i, owner]));
  return { text: `${head}${zone.records.map((record) => `${renderRecord(record)}\n`).join('')}`, owners };
}

function renderRecord({ name, type, data, owner }: DnsRecord): string {
  const value = type === 'A' ? checkAddress(owner, data) : `${checkName(owner, data)}.`;
  return `${checkName(owner, name)} IN ${type} ${value}`;
}

/**
 * Nothing but letters, digits, `-`, `_` and dots gets into a zone, so no name can end its field or its line. Whether a
 * name is a good one is for the checker to say.
 */
function checkName(owner: string, name: string): string {
  if (/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(name)) return name;
  throw new ProloError('bad-input', `${owner}: ${quote(name)} cannot be written into a zone`);
}

function checkAddress(owner: string, text: string): string {
  const ip = parseIp(text);
  if (ip !== undefined) return formatIp(ip);
  throw new ProloError('bad-input', `${owner}: ${quote(text)} is not an IPv4 address`);
}

/** The serial in a zone's text, undefined when it is no zone of ours. */
export function zoneSerial(text: string): number | undefined {
  const match = /^\s+(\d{1,10}) ; serial$/m.exec(text);
  const serial = match ? Number(match[1]) : undefined;
  return serial !== undefined && serial < 2 ** 32 ? serial : undefined;
}

/**
 * The serial of a changed zone: the time, or one more than before when the clock is behind that. A serial at its end
 * goes on from the start, which is still a rise to those who count as RFC 1982 says.
 */
export function nextSerial(old: number | undefined, nowMs: number): number {
  const now = Math.floor(nowMs / 1000);
  return old === undefined || now > old ? now : (old + 1) % 2 ** 32 || 1;
}
