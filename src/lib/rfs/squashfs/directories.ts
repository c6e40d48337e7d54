import { type ListIndex } from './inodes.ts';
import { BLOCK } from './metadata.ts';

export interface ListEntry {
  name: string;
  kind: number;
  number: number;
  /** Where its inode is. */
  block: number;
  offset: number;
}

const MOST = 256;

/** A folder's list: entries whose inodes are in one block, and have numbers near to each other, stand behind one header. */
export function renderList(entries: readonly ListEntry[]): { bytes: Buffer; index: ListIndex[] } {
  // More than it can be: each entry behind a header of its own.
  const bytes = Buffer.allocUnsafe(entries.reduce((sum, { name }) => sum + 20 + name.length, 0));
  const index: ListIndex[] = [];
  let [at, indexed] = [0, 0];
  for (let i = 0; i < entries.length;) {
    const first = entries[i]!;
    if (at - indexed > BLOCK) {
      index.push({ at, name: first.name });
      indexed = at;
    }
    const head = at;
    at += 12;
    let count = 0;
    for (; i < entries.length && count < MOST; i++, count++) {
      const { name, kind, number, block, offset } = entries[i]!;
      const delta = number - first.number;
      if (block !== first.block || delta > 32767 || delta < -32768) break;
      if (count > 0 && at - indexed > BLOCK) break; // the index leads to headers
      bytes.writeUInt16LE(offset, at);
      bytes.writeInt16LE(delta, at + 2);
      bytes.writeUInt16LE(kind, at + 4);
      bytes.writeUInt16LE(name.length - 1, at + 6);
      at += 8 + bytes.write(name, at + 8, 'latin1');
    }
    bytes.writeUInt32LE(count - 1, head);
    bytes.writeUInt32LE(first.block, head + 4);
    bytes.writeUInt32LE(first.number, head + 8);
  }
  return { bytes: bytes.subarray(0, at), index };
}
