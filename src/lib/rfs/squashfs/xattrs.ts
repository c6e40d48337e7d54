import type { Table } from './metadata.ts';

const ELSEWHERE = 0x100;

/** A set of attributes, as they lie in a table: `bytes` is what `listxattr` and the values need, as their maker counted it. */
export interface XattrSet {
  count: number;
  bytes: number;
  /** Kinds, names and values, one after another. */
  data: Buffer;
}

/** Where something is in a table: a block's beginning, and a place in it. */
const placeIn = (table: Table, ref: bigint): number => {
  const begin = table.blocks.get(Number(ref >> 16n));
  if (begin === undefined) throw new Error('squashfs: a reference to no block');
  return begin + Number(ref & 0xffffn);
};

/** @param ids sixteen bytes for each set: where it is, how many are in it, how many bytes that takes */
export function parseXattrs(ids: Buffer, table: Table): XattrSet[] {
  return Array.from({ length: ids.length / 16 }, (_, i): XattrSet => {
    const count = ids.readUInt32LE(16 * i + 8);
    const parts: Buffer[] = [];
    let at = placeIn(table, ids.readBigUInt64LE(16 * i));
    for (let n = 0; n < count; n++) {
      const kind = table.bytes.readUInt16LE(at);
      const nameEnd = at + 4 + table.bytes.readUInt16LE(at + 2);
      const key = Buffer.from(table.bytes.subarray(at, nameEnd));
      key.writeUInt16LE(kind & ~ELSEWHERE, 0);
      const end = nameEnd + 4 + table.bytes.readUInt32LE(nameEnd);
      parts.push(key, kind & ELSEWHERE ? far(table, nameEnd + 4) : table.bytes.subarray(nameEnd, end));
      at = end;
    }
    return { count, bytes: ids.readUInt32LE(16 * i + 12), data: Buffer.concat(parts) };
  });
}

/** A value that stands with another set that has the same. */
function far(table: Table, at: number): Buffer {
  const place = placeIn(table, table.bytes.readBigUInt64LE(at));
  return table.bytes.subarray(place, place + 4 + table.bytes.readUInt32LE(place));
}

/** Gives sets their numbers, the same ones the same. */
export function createXattrs(): { add(set: XattrSet): number; sets: XattrSet[] } {
  const numbers = new Map<string, number>();
  const sets: XattrSet[] = [];
  return {
    sets,
    add(set) {
      const key = set.data.toString('latin1');
      const known = numbers.get(key);
      if (known !== undefined) return known;
      numbers.set(key, sets.length);
      return sets.push(set) - 1;
    },
  };
}
