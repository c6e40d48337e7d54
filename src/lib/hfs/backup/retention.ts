import type { Image } from '../image.ts';

/** An image on a server that no row of hfsdb names. */
export interface KeptImage extends Image {
  /** Since it was left: written last, or given away. */
  ageMs: number;
}

/**
 * The images that go: of each login the newest kept one stays until the retention is over, an older one goes at once.
 */
export function planRetention(kept: readonly KeptImage[], retentionMs: number): KeptImage[] {
  const newest = new Map<string, number>();
  for (const { login, epoch } of kept) newest.set(login, Math.max(epoch, newest.get(login) ?? 0));
  return kept.filter(({ login, epoch, ageMs }) => epoch < newest.get(login)! || ageMs > retentionMs);
}

/**
 * Whether an image is surely an old one: hfsdb's row is past its epoch, or, for a home that is elsewhere, this server has given
 * its word. What neither holds for may be the newest that somebody has: hfsdb's database may have been restored from an older day.
 */
export function isPast(epoch: number, row: { epoch: number } | undefined, gaveWord: boolean): boolean {
  return row ? epoch < row.epoch : gaveWord;
}
