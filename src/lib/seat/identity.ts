import { networkInterfaces } from 'node:os';
import { asProloError, ProloError } from '../errors.ts';
import { post } from '../http/post.ts';
import type { MachineRecord } from '../mdb/record.ts';
import { serviceUrl, type Site } from '../site/site.ts';

/** What MDB says of the machine that this runs on. */
export interface Identity {
  hostname: string;
  ip: string;
  /** The number of the nearest home file server. */
  hfs: number;
}

/** What MDB answered. */
export interface Answer {
  machines: MachineRecord[];
  /** The gateway's clock minus ours; a Date header has whole seconds. */
  clockOffSeconds: number;
}

const TIMEOUT_MS = 5_000;

/** This machine's IPv4 addresses, without loopback. */
export function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.flatMap(({ family, internal, address }) => (family === 'IPv4' && !internal ? [address] : [])),
  );
}

/** @throws ProloError `not-found` that names the addresses */
export function pickIdentity(machines: readonly MachineRecord[], addresses: readonly string[]): Identity {
  if (addresses.length === 0)
    throw new ProloError('not-found', 'this machine has no network address', { hint: 'is the cable in?' });
  const machine = machines.find(({ ip }) => addresses.includes(ip));
  if (machine) return { hostname: machine.hostname, ip: machine.ip, hfs: machine.hfs };
  throw new ProloError('not-found', `this machine (${addresses.join(', ')}) is not in MDB`, {
    hint: 'ask an organiser: `prolo mdb add` makes it known',
  });
}

/** Asks MDB for the machines of some addresses; no secret is needed for that. @throws ProloError `unavailable` */
export async function askMdb(site: Site, addresses: readonly string[]): Promise<Answer> {
  const url = `${serviceUrl(site.config, 'mdb')}/call/query`;
  const sentMs = Date.now();
  try {
    const call = JSON.stringify({ args: [], kwargs: { ip__in: addresses } });
    const { text, date } = await post(url, call, { type: 'application/json', timeoutMs: TIMEOUT_MS });
    const answer = JSON.parse(text) as { type?: string; data?: MachineRecord[]; exn_message?: string };
    if (answer.type !== 'result') throw new Error(answer.exn_message ?? text.slice(0, 200));
    return { machines: answer.data ?? [], clockOffSeconds: clockOff(date, sentMs, Date.now()) };
  } catch (cause) {
    throw new ProloError('unavailable', `mdb ${url}: ${asProloError(cause).message}`, {
      hint: 'does the gateway run it, and does this machine reach the gateway?',
      cause,
    });
  }
}

/** How far this machine's clock is behind the header's, in seconds; within what the exchange took, it is right. */
export function clockOff(date: string | undefined, sentMs: number, receivedMs: number): number {
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs)) return 0;
  if (theirs + 1000 < sentMs) return (theirs - sentMs) / 1000;
  return theirs > receivedMs ? (theirs - receivedMs) / 1000 : 0;
}
