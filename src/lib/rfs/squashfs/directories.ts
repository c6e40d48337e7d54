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
  const parts: Buffer[] = [];
  const index: ListIndex[] = [];
  let [at, indexed] = [0, 0];
  for (let i = 0; i < entries.length;) {
    const first = entries[i]!;
    if (at - indexed > BLOCK) {
      index.push({ at, name: first.name });
      indexed = at;
    }
    const head = Buffer.alloc(12);
    parts.push(head);
    at += 12;
    let count = 0;
    for (; i < entries.length && count < MOST; i++, count++) {
      const { name, kind, number, block, offset } = entries[i]!;
      const delta = number - first.number;
      if (block !== first.block || delta > 32767 || delta < -32768) break;
      if (count > 0 && at - indexed > BLOCK) break; // the index leads to headers
      const bytes = Buffer.alloc(8 + name.length);
      bytes.writeUInt16LE(offset, 0);
      bytes.writeInt16LE(delta, 2);
      bytes.writeUInt16LE(kind, 4);
      bytes.writeUInt16LE(name.length - 1, 6);
      bytes.write(name, 8, 'latin1');
      parts.push(bytes);
      at += bytes.length;
    }
    head.writeUInt32LE(count - 1, 0);
    head.writeUInt32LE(first.block, 4);
    head.writeUInt32LE(first.number, 8);
  }
  return { bytes: Buffer.concat(parts), index };
}
