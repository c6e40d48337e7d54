import { publicTextOf, typeOfKey } from './host-key.ts';

/** A machine's key, and how the machine is called and reached now. The key is its hardware's: names and addresses change. */
export interface KnownKey {
  mac: string;
  hostname: string;
  ip: string;
  port: number;
  /** As it is on the wire. */
  key: Buffer;
}

const HEADER = '# Host keys of machines, for OpenSSH too. prolo writes this file: see `prolo ssh`.';

/** In OpenSSH's format; behind each key is the MAC of the machine that has it. @param others lines that are not ours */
export function renderKnownHosts(keys: readonly KnownKey[], others: readonly string[] = []): string {
  return `${[HEADER, ...others, ...keys.map(lineOf)].join('\n')}\n`;
}

/** The lines that are ours; those without a MAC are not. */
export function parseKnownHosts(text: string): KnownKey[] {
  return text.split('\n').flatMap((line) => parseLine(line) ?? []);
}

/** The rest, numbered from 1: people's comments, and lines that came to harm. They stay in the file. */
export function otherLines(text: string): { number: number; line: string }[] {
  return text
    .split('\n')
    .map((line, i) => ({ number: i + 1, line: line.trim() }))
    .filter(({ line }) => line !== '' && line !== HEADER && !parseLine(line));
}

/** What is to be said of lines whose keys nobody knows now; undefined where there is none. */
export function troubleOfLines(text: string): string | undefined {
  const numbers = otherLines(text).flatMap(({ number, line }) => (line.startsWith('#') ? [] : [number]));
  if (numbers.length === 0) return undefined;
  return `line ${numbers.join(', ')}: no host key of a machine; it counts for nothing: mend it, or take it out`;
}

function parseLine(line: string): KnownKey | undefined {
  // An editor may have left its own line ends: a key that is not understood would be forgotten.
  const [names = '', type = '', base64 = '', mac = ''] = line.trim().split(/[ \t]+/);
  const key = Buffer.from(base64, 'base64');
  if (line.startsWith('#') || !mac || typeOfKey(key) !== type) return undefined;
  const [hostname = '', ip = ''] = names.split(',').map((name) => name.replace(/^\[(.*)\]:\d+$/, '$1'));
  const [, port = '22'] = /\]:(\d+)/.exec(names) ?? [];
  return { mac, hostname, ip: ip || hostname, port: Number(port), key };
}

/**
 * Those keys, and beside them the ones that are in the file already. What only the file has stays, but no name or address that
 * is another machine's now.
 */
export function mergeKnownKeys(inFile: readonly KnownKey[], now: readonly KnownKey[]): KnownKey[] {
  const ids = new Set(now.map(idOf));
  const taken = new Set(now.flatMap(({ hostname, ip, port }) => [`${hostname} ${port}`, `${ip} ${port}`]));
  const rest = inFile
    .filter((known) => !ids.has(idOf(known)))
    .map((known) => {
      const isTaken = [known.hostname, known.ip].some((name) => taken.has(`${name} ${known.port}`));
      return isTaken ? { ...known, hostname: known.mac, ip: known.mac } : known;
    });
  return [...rest, ...now].sort((a, b) => compare(a.hostname, b.hostname) || a.port - b.port);
}

/** Which machine's, at which of its ports. */
export function idOf({ mac, port }: { mac: string; port: number }): string {
  return `${mac} ${port}`;
}

function lineOf({ mac, hostname, ip, port, key }: KnownKey): string {
  const names = [...new Set([hostname, ip])].map((name) => (port === 22 ? name : `[${name}]:${port}`));
  return `${names.join(',')} ${publicTextOf(key)} ${mac}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
