import type { Logger } from '../log.ts';
import { listMachines } from '../mdb/machines.ts';
import type { Mtype } from '../site/schema.ts';
import { snapshot } from '../store/change-log.ts';
import { followChanges } from '../store/follow.ts';
import type { Store } from '../store/store.ts';
import type { UserRecord } from './record.ts';

/** Machines where people sit or that only work for them; a server has a secret of its own. */
const SEATS: readonly Mtype[] = ['user', 'orga', 'cluster'];

/** In place of a hash: no password is right. */
export const LOCKED = '*';

type Machine = { mac: string; ip: string; mtype: string };

/** Which addresses are those of seats, as MDB has it now. */
export interface Seats {
  has(ip: string): boolean;
  stop(): Promise<void>;
}

/** @param onChange called after each change of MDB, with whether an address is now that of a seat */
export async function followSeats(
  store: Store,
  options: { pollMs: number; log: Logger; onChange(has: (ip: string) => boolean): void },
): Promise<Seats> {
  const { records, seq } = await snapshot<Machine>(store, listMachines);
  const machines = new Map(records.map((machine) => [machine.mac, machine]));
  let seats = seatAddresses(machines.values());
  const has = (ip: string): boolean => seats.has(ip);
  const { pollMs, log } = options;
  const following = await followChanges(store, {
    feed: 'mdb',
    after: seq,
    pollMs,
    log,
    onChange({ updates }) {
      for (const { type, data } of updates) {
        const machine = data as Machine;
        if (type === 'delete') machines.delete(machine.mac);
        else machines.set(machine.mac, machine);
      }
      seats = seatAddresses(machines.values());
      options.onChange(has);
    },
  });
  return { has, stop: () => following.stop() };
}

function seatAddresses(machines: Iterable<Machine>): Set<string> {
  const seats = [...machines].filter(({ mtype }) => (SEATS as readonly string[]).includes(mtype));
  return new Set(seats.map(({ ip }) => ip));
}

/** What a seat gets of a user: whoever is root there can read it, so nothing of those who are root everywhere. */
export function forSeats<R extends Partial<UserRecord>>(user: R): R {
  // A group that is not said may be any.
  return user.group === 'user' || user.group === 'orga' ? user : { ...user, password: LOCKED };
}
