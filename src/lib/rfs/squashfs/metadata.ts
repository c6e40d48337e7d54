import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../../errors.ts';
import { runOk } from '../../exec.ts';

/** Tables are a chain of blocks of so many bytes, the last has fewer; each with a length of two bytes in front. */
export const BLOCK = 8192;
const PLAIN = 0x8000;
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** Blocks of a table as they lie in an image. */
export interface PackedTable {
  /** Where each begins, counted from the table's beginning. */
  starts: number[];
  /** Frames of zstd; what was not packed is wrapped into one. */
  frames: Buffer[];
}

/** @throws Error where it is no chain that ends at the end of `region` */
export function splitTable(region: Buffer): PackedTable {
  const table: PackedTable = { starts: [], frames: [] };
  for (let at = 0; at < region.length;) {
    const header = region.readUInt16LE(at);
    const bytes = header & ~PLAIN;
    const data = region.subarray(at + 2, at + 2 + bytes);
    if (bytes === 0 || data.length < bytes) throw new Error('squashfs: a table that is cut off');
    table.starts.push(at);
    table.frames.push(header & PLAIN ? wrapPlain(data) : data);
    at += 2 + bytes;
  }
  return table;
}

/** How many bytes are in a frame. @throws Error where it does not say so */
export function frameBytes(frame: Buffer): number {
  if (!frame.subarray(0, 4).equals(ZSTD_MAGIC)) throw new Error('squashfs: a block that is no zstd');
  const descriptor = frame[4]!;
  const single = (descriptor & 0x20) !== 0;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  const size = descriptor >> 6;
  if (size === 1) return frame.readUInt16LE(at) + 256;
  if (size === 2) return frame.readUInt32LE(at);
  if (size === 0 && single) return frame[at]!;
  throw new Error('squashfs: a block of zstd that does not say its length');
}

/** A frame that holds a block as it is. */
export function wrapPlain(data: Buffer): Buffer {
  const header = Buffer.alloc(12);
  ZSTD_MAGIC.copy(header);
  header[4] = 0xa0; // one segment, its length in four bytes
  header.writeUInt32LE(data.length, 5);
  header.writeUIntLE((data.length << 3) | 1, 9, 3);
  return Buffer.concat([header, data]);
}

/** Unpacked bytes, and where those of a block begin in them. */
export interface Table {
  bytes: Buffer;
  /** By where the block begins in the packed table. */
  blocks: Map<number, number>;
}

/** Unpacks tables with one call of zstd. @param work a folder for its files */
export async function unpackTables(packed: readonly PackedTable[], work: string): Promise<Table[]> {
  const [from, to] = [join(work, 'tables.zst'), join(work, 'tables')];
  await writeFile(from, Buffer.concat(packed.flatMap(({ frames }) => frames)));
  await runOk(['zstd', '-q', '-d', '-f', from, '-o', to]);
  const all = await readFile(to);
  await Promise.all([from, to].map((file) => rm(file)));
  let begin = 0;
  return packed.map(({ starts, frames }): Table => {
    const blocks = new Map<number, number>();
    let length = 0;
    for (const [i, frame] of frames.entries()) {
      if (length % BLOCK !== 0) throw new Error('squashfs: a block in a table that is not full');
      blocks.set(starts[i]!, length);
      length += frameBytes(frame);
    }
    const bytes = all.subarray(begin, (begin += length));
    if (bytes.length !== length) throw new Error('squashfs: a table that is cut off');
    return { bytes, blocks };
  });
}

/** A table as it goes into an image. */
export interface Packed {
  bytes: Buffer;
  /** Of each block, from the table's beginning. */
  starts: number[];
}

const blocksOf = (table: Buffer): Buffer[] =>
  Array.from({ length: Math.ceil(table.length / BLOCK) }, (_, i) =>
    table.subarray(i * BLOCK, (i + 1) * BLOCK),
  );

function chain(blocks: readonly { data: Buffer; plain: boolean }[]): Packed {
  const starts: number[] = [];
  const parts: Buffer[] = [];
  let at = 0;
  for (const { data, plain } of blocks) {
    const header = Buffer.alloc(2);
    header.writeUInt16LE(data.length | (plain ? PLAIN : 0));
    starts.push(at);
    parts.push(header, data);
    at += 2 + data.length;
  }
  return { bytes: Buffer.concat(parts), starts };
}

export function plainTable(table: Buffer): Packed {
  return chain(blocksOf(table).map((data) => ({ data, plain: true })));
}

/** Packs tables with one call of zstd; a block that becomes no smaller is left as it is. @param work a folder for its files */
export async function packTables(tables: readonly Buffer[], work: string): Promise<Packed[]> {
  const [from, to] = [join(work, 'blocks'), join(work, 'packed')];
  await Promise.all([from, to].map((folder) => mkdir(folder)));
  const blocks = tables.map(blocksOf);
  const flat = blocks.flat();
  if (flat.length > 0) {
    await Promise.all(flat.map((data, i) => writeFile(join(from, String(i)), data)));
    await runOk(['zstd', '-q', '-3', '--no-check', '-r', from, '--output-dir-flat', to], {
      timeoutMs: 600_000,
    });
    if ((await readdir(to)).length !== flat.length)
      throw new ProloError('failed', `program zstd: it did not pack all of ${flat.length} blocks`);
  }
  const packed = await Promise.all(
    flat.map(async (plain, i) => {
      const data = await readFile(join(to, `${i}.zst`));
      return data.length < plain.length ? { data, plain: false } : { data: plain, plain: true };
    }),
  );
  await Promise.all([from, to].map((folder) => rm(folder, { recursive: true })));
  let next = 0;
  return blocks.map(({ length }) => chain(packed.slice(next, (next += length))));
}
