import type { Check } from '../check.ts';
import { examine, type Outcome } from '../examine.ts';
import { seatBoot, seatTftp } from './boot.ts';
import { seatDhcp } from './dhcp.ts';
import { seatDns } from './dns.ts';
import { duplicates } from './duplicates.ts';
import { seatDisk, seatLldp, seatNic, seatUnits } from './hardware.ts';
import { network } from './network.ts';
import { NODES, type Order, type SeatPatient } from './order.ts';
import { seatClock, seatHomes, seatNfs, seatVersion } from './servers.ts';

/** What a machine itself can look at, in the order that people read it. */
export const SEAT_CHECKS: readonly Check<unknown, SeatPatient>[] = [
  ...[network, duplicates, seatDhcp, seatDns, seatTftp, seatBoot, seatNfs, seatHomes],
  ...[seatClock, seatVersion, seatNic, seatLldp, seatDisk, seatUnits],
];

/** Each check ends within that: shorter than the gateway waits for all of it. */
const LIMIT_MS = 7_500;

/** At the machine. @param names of checks; none: all */
export function lookHere(
  order: Order,
  names: readonly string[],
  places: { sys?: string; run?: string } = {},
): Promise<Outcome[]> {
  const checks = SEAT_CHECKS.filter(({ name }) => names.length === 0 || names.includes(name));
  const patient = { order, sys: places.sys ?? '/sys', run: places.run ?? '/run/prolo' };
  return examine<SeatPatient>(checks, patient, {
    limitMs: LIMIT_MS,
    again: (name) => `prolo doctor --from ${NODES} --only ${name}`,
  });
}
