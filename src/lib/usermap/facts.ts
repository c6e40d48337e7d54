import type { MachineRecord } from '../mdb/record.ts';
import type { Seat } from './plan.ts';

export type SeatState = 'taken' | 'free' | 'down' | 'faulty' | 'unknown';

export interface SeatFacts extends Seat {
  state: SeatState;
  /** Who sits there. */
  login?: string;
  /** What is wrong with it. */
  details?: string;
}

export interface Seen {
  machines: Iterable<Pick<MachineRecord, 'hostname' | 'is_faulty' | 'is_faulty_details'>>;
  /** Login by hostname. */
  logins: ReadonlyMap<string, string>;
  /** Hostnames of those that answer; undefined: nobody was asked. */
  alive: ReadonlySet<string> | undefined;
}

/** What is to be seen at each seat: whoever sits there counts most, then a fault, then silence. */
export function seatFacts(plan: readonly Seat[], { machines, logins, alive }: Seen): SeatFacts[] {
  const known = new Map(Array.from(machines, (machine) => [machine.hostname, machine]));
  return plan.map((seat) => {
    const machine = known.get(seat.hostname);
    const login = logins.get(seat.hostname);
    const details = machine?.is_faulty ? machine.is_faulty_details : undefined;
    return {
      ...seat,
      state: stateOf(machine, login, alive?.has(seat.hostname)),
      ...(login === undefined ? {} : { login }),
      ...(details ? { details } : {}),
    };
  });
}

function stateOf(
  machine: { is_faulty: boolean } | undefined,
  login: string | undefined,
  answers: boolean | undefined,
): SeatState {
  if (!machine) return 'unknown';
  if (login !== undefined) return 'taken';
  if (machine.is_faulty) return 'faulty';
  return answers === false ? 'down' : 'free';
}
