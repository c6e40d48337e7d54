const FIRST_MS = 100;
const MOST_MS = 10_000;
const REFUSED_MS = 30_000;

/**
 * How long to wait before the next attempt: doubling up to 10 s, each time a random half of it or more, so that a
 * hundred clients of one restarted server do not come back in one instant. Who was refused asks slowly.
 * @param failures attempts in a row that came to nothing, from 1
 * @param random in [0, 1)
 */
export function backoffMs(failures: number, refused: boolean, random: number): number {
  const whole = refused ? REFUSED_MS : Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 30));
  return Math.round(whole / 2 + (whole / 2) * random);
}
