import { createHash } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { merge, type Range } from './squashfs/ranges.ts';

/** What `veritysetup format` makes: blocks of hashes, those over all others first. */
const BLOCK = 4096;
const DIGEST = 32;
const PER_BLOCK = BLOCK / DIGEST;
const ZEROS = Buffer.alloc(BLOCK);

interface Head {
  salt: Buffer;
  blocks: number;
}

/** @returns undefined where it is none of the kind that we make */
export function parseHead(bytes: Buffer): Head | undefined {
  const known =
    bytes.length >= BLOCK &&
    bytes.toString('latin1', 0, 8) === 'verity\0\0' &&
    bytes.readUInt32LE(8) === 1 &&
    bytes.readUInt32LE(12) === 1 &&
    bytes.toString('latin1', 32, 64).replace(/\0+$/, '') === 'sha256' &&
    bytes.readUInt32LE(64) === BLOCK &&
    bytes.readUInt32LE(68) === BLOCK;
  if (!known) return undefined;
  const salt = bytes.subarray(88, 88 + bytes.readUInt16LE(80));
  return { salt, blocks: Number(bytes.readBigUInt64LE(72)) };
}

/** How many blocks of hashes there are over so many blocks, the lowest level first. */
export function levelsOver(blocks: number): number[] {
  const levels: number[] = [];
  for (let below = blocks; below > 1 || levels.length === 0;)
    levels.push((below = Math.ceil(below / PER_BLOCK)));
  return levels;
}

/**
 * The tree of hashes over an image that differs from an older one in some places: a hash of what is the same there is taken over.
 * @param old the older one's tree; it must be known to be whole
 * @param changed where the two may differ; all behind the older one's end does
 * @returns the root hash, in hex; undefined where the older one is of another kind
 */
export async function renewHashTree(
  old: string,
  image: string,
  tree: string,
  changed: readonly Range[],
): Promise<string | undefined> {
  const bytes = await readFile(old);
  const head = parseHead(bytes);
  if (!head) return undefined;
  const { salt } = head;
  const hash = (block: Buffer): Buffer => createHash('sha256').update(salt).update(block).digest();
  const ofZeros = hash(ZEROS);
  const file = await open(image);
  try {
    const blocks = (await file.stat()).size / BLOCK;
    const leaves = Buffer.alloc(levelsOver(blocks)[0]! * BLOCK);
    const oldLeaves = bytes.length - levelsOver(head.blocks)[0]! * BLOCK;
    bytes.copy(leaves, 0, oldLeaves, oldLeaves + Math.min(blocks, head.blocks) * DIGEST);
    const known = Math.min(head.blocks, blocks);
    for (const { start, end } of blocksOf(changed, known, blocks)) {
      const part = Buffer.alloc((end - start) * BLOCK);
      await file.read(part, 0, part.length, start * BLOCK);
      for (let i = start; i < end; i++) {
        const block = part.subarray((i - start) * BLOCK, (i - start + 1) * BLOCK);
        (block.equals(ZEROS) ? ofZeros : hash(block)).copy(leaves, i * DIGEST);
      }
    }
    const levels: Buffer[] = [leaves];
    while (levels[0]!.length > BLOCK) levels.unshift(levelOver(levels[0]!, hash));
    const top = Buffer.from(bytes.subarray(0, BLOCK));
    top.writeBigUInt64LE(BigInt(blocks), 72);
    await writeFile(tree, Buffer.concat([top, ...levels]));
    return hash(levels[0]!).toString('hex');
  } finally {
    await file.close();
  }
}

/** So many blocks are read at once. */
const MOST = 1024;

/** Blocks that are to be hashed, in parts. */
function blocksOf(changed: readonly Range[], known: number, blocks: number): Range[] {
  const touched = merge([
    ...changed.map(({ start, end }) => ({
      start: Math.floor(start / BLOCK),
      end: Math.min(blocks, Math.ceil(end / BLOCK)),
    })),
    { start: known, end: blocks },
  ]);
  return touched.flatMap(({ start, end }) =>
    Array.from({ length: Math.ceil((end - start) / MOST) }, (_, i) => ({
      start: start + i * MOST,
      end: Math.min(end, start + (i + 1) * MOST),
    })),
  );
}

function levelOver(below: Buffer, hash: (block: Buffer) => Buffer): Buffer {
  const blocks = below.length / BLOCK;
  const level = Buffer.alloc(Math.ceil(blocks / PER_BLOCK) * BLOCK);
  for (let i = 0; i < blocks; i++) hash(below.subarray(i * BLOCK, (i + 1) * BLOCK)).copy(level, i * DIGEST);
  return level;
}
