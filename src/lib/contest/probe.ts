import { allowedAddresses } from '../firewall/allowed.ts';
import type { MachineRecord } from '../mdb/record.ts';
import type { Outcome } from '../ssh/protocol.ts';
import type { Facts } from './facts.ts';
import { contestPolicy } from './internet.ts';
import { phaseAt } from './mode.ts';

/** What a seat found on its way to the internet. */
export interface Probe {
  hostname: string;
  /** null: nobody could try. */
  reached: boolean | null;
  /** Whether it should, now. */
  wanted: boolean;
  /** Why nobody could try, or the seat's own words. */
  words: string;
}

const DONE = 'prolo-probe';
/** Of the shell over there: a connection is made and dropped, nothing is sent. */
const PROBE_SECONDS = 3;

/** @param target ADDRESS:PORT */
export function probeCommand(target: string): string {
  const [address, port] = target.split(':');
  const open = `exec 3<>/dev/tcp/${address}/${port}`;
  return `LC_ALL=C timeout ${PROBE_SECONDS} bash -c '${open}' 2>&1; echo "${DONE} $?"`;
}

/** Those that should reach it now, by what the database knows. */
export function wantedOnline({ known, mode, config }: Facts, nowMs: number): Set<string> {
  return allowedAddresses(known, phaseAt(mode, nowMs) === 'on' ? contestPolicy(config) : config.firewall);
}

/** @param text what the machine answered */
export function readProbe(machine: MachineRecord, text: string, outcome: Outcome, wanted: boolean): Probe {
  const { hostname } = machine;
  const status = new RegExp(`^${DONE} (\\d+)$`, 'm').exec(text)?.[1];
  if (status === undefined)
    return { hostname, reached: null, wanted, words: outcome.reason ?? `${outcome.status}: no answer` };
  if (status === '127') return { hostname, reached: null, wanted, words: 'has no bash, or no timeout' };
  const words = text.split('\n')[0]!.replace(/^.*: (?=[A-Z])/, '');
  // Who refuses is there.
  const refused = /Connection refused/.test(text);
  const shown = status === '0' ? '' : status === '124' ? `silent for ${PROBE_SECONDS} s` : words;
  return { hostname, reached: status === '0' || refused, wanted, words: shown };
}

export const isRight = ({ reached, wanted }: Probe): boolean => reached === wanted;
