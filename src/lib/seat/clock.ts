import { asProloError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { SeatSystem } from './system.ts';

/** Tokens are good for 120 s. */
const CLOCK_OFF_S = 60;

/**
 * Sets a clock that is too far from the gateway's for the site's tokens.
 * @returns what is wrong with it now, for whoever would log in
 */
export async function keepClock(
  system: Pick<SeatSystem, 'setClock'>,
  log: Logger,
  clockOffSeconds: number,
  nowMs: () => number,
): Promise<string | undefined> {
  if (Math.abs(clockOffSeconds) <= CLOCK_OFF_S) return undefined;
  log.error({ clockOffSeconds }, 'clock: it is not the gateway’s, so it is set');
  try {
    await system.setClock(nowMs() + clockOffSeconds * 1000);
    return undefined;
  } catch (error) {
    log.error({ error: asProloError(error).message }, 'clock: it cannot be set, so nobody can log in');
    const seconds = Math.round(Math.abs(clockOffSeconds));
    return `the clock of this machine is ${seconds} s ${clockOffSeconds > 0 ? 'behind' : 'ahead'} and cannot be set`;
  }
}

/**
 * Says something to the gateway; where its token is not right, once more after a look at both clocks: whoever sets the gateway's
 * would otherwise end every session, long before the next look of each machine.
 */
export async function tellOnTime<T extends { status: number }>(
  tell: () => Promise<T>,
  look: () => Promise<void>,
): Promise<T> {
  const told = await tell();
  if (told.status !== 403) return told;
  await look();
  return tell();
}
