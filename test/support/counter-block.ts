import { createHash } from 'node:crypto';

export const BLOCK = 4096;
const MAGIC = Buffer.from('counter\n');

/** Where counters are written: counter n in the n-th block of the region, round and round. */
export interface Region {
  offset: number;
  blocks: number;
}

/** A block that carries a counter, filled with bytes that depend on it, and a checksum of all. */
export function counterBlock(counter: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  MAGIC.copy(block);
  block.writeDoubleBE(counter, 8);
  block.fill(createHash('sha512').update(String(counter)).digest(), 48);
  digest(block).copy(block, 16);
  return block;
}

/** The counter of a block that is whole. */
export function readCounter(block: Buffer): number | undefined {
  if (!block.subarray(0, 8).equals(MAGIC) || !digest(block).equals(block.subarray(16, 48))) return undefined;
  return block.readDoubleBE(8);
}

/**
 * Which acknowledged counters are not there: their block holds neither them nor one that was written later.
 * @param acknowledged the first and the last one; all between were acknowledged too
 */
export async function missingCounters(
  read: (offset: number, length: number) => Buffer | Promise<Buffer>,
  region: Region,
  [first, last]: readonly [number, number],
): Promise<number[]> {
  const missing: number[] = [];
  // Older ones were overwritten by later ones, rightly.
  for (let counter = Math.max(first, last - region.blocks + 1); counter <= last; counter++) {
    const found = readCounter(await read(region.offset + (counter % region.blocks) * BLOCK, BLOCK));
    const good = found !== undefined && found >= counter && found % region.blocks === counter % region.blocks;
    if (!good) missing.push(counter);
  }
  return missing;
}

function digest(block: Buffer): Buffer {
  return createHash('sha256').update(block.subarray(0, 16)).update(block.subarray(48)).digest();
}
