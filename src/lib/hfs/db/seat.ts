import { ProloError } from '../../errors.ts';
import { isLoopback } from '../../net.ts';
import type { Seat } from '../protocol.ts';

/** What the store knows about a login and a caller. */
export interface Whereabouts {
  /** Where presence says the login is. */
  seat: Seat | null;
  /** The machine of MDB at the caller's address. */
  caller: string | null;
}

/**
 * The seat that a home is for: whoever asks must sit there.
 * @param bind the site's own addresses: where all are loopback, every caller is, and presence alone tells
 * @throws ProloError `forbidden` with a sentence for the person
 */
export function checkSeat(
  login: string,
  ip: string,
  { seat, caller }: Whereabouts,
  bind: readonly string[],
): Seat {
  const alone = isLoopback(ip) && bind.every(isLoopback);
  if (!alone && caller === null)
    throw new ProloError('forbidden', `${ip} is no machine of this site`, {
      hint: `\`prolo mdb list\` shows them; ${login}'s home is for the machine that ${login} is logged on at`,
    });
  if (seat === null || (!alone && caller !== seat.hostname))
    throw new ProloError('forbidden', `nobody is logged on as ${login}${alone ? '' : ` at ${caller}`}`, {
      hint: seat ? `${login} is logged on at ${seat.hostname}` : '`prolo presence list` shows who is where',
    });
  return { hostname: seat.hostname, ip };
}
