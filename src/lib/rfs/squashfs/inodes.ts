/** What an inode is, by the numbers that directories give its kind. The long forms are these and seven. */
export const KIND = { folder: 1, file: 2, link: 3, block: 4, character: 5, pipe: 6, socket: 7 } as const;
const LONG = 7;
/** No attributes, or no fragment. */
export const NONE = 0xffff_ffff;

interface Common {
  mode: number;
  /** Of the table of owners, not the owner's own number. */
  uid: number;
  gid: number;
  mtime: number;
  /** Which set of attributes; `NONE` for none. */
  xattr: number;
}
export interface FolderInode extends Common {
  kind: typeof KIND.folder;
  /** Where its list is in the table of directories. */
  start: number;
  offset: number;
  /** Of its list; what the inode says is three more. */
  listBytes: number;
}
export interface FileInode extends Common {
  kind: typeof KIND.file;
  /** Where its data begin, in bytes from the image's beginning. */
  start: number;
  bytes: number;
  sparseBytes: number;
  /** A length for each of its blocks: four bytes each. */
  blocks: Buffer;
}
export interface LinkInode extends Common {
  kind: typeof KIND.link;
  target: Buffer;
}
export interface OtherInode extends Common {
  kind: 4 | 5 | 6 | 7;
  /** Of a device. */
  device: number;
}
export type Inode = FolderInode | FileInode | LinkInode | OtherInode;

/** Bytes of a block in an image: a bit says that it is not packed. */
export const storedBytes = (length: number): number => length & 0xff_ffff;

/** @param at where it begins @throws Error for a kind that there is not, or a file with a fragment */
export function parseInode(table: Buffer, at: number, blockBytes: number): Inode {
  const type = table.readUInt16LE(at);
  const common = {
    mode: table.readUInt16LE(at + 2),
    uid: table.readUInt16LE(at + 4),
    gid: table.readUInt16LE(at + 6),
    mtime: table.readUInt32LE(at + 8),
    xattr: NONE,
  };
  const u32 = (offset: number): number => table.readUInt32LE(at + offset);
  const u64 = (offset: number): number => Number(table.readBigUInt64LE(at + offset));
  const long = type > LONG;
  const kind = long ? type - LONG : type;
  switch (kind) {
    case KIND.folder:
      return long
        ? {
            ...common,
            kind,
            listBytes: u32(20) - 3,
            start: u32(24),
            offset: table.readUInt16LE(at + 34),
            xattr: u32(36),
          }
        : {
            ...common,
            kind,
            start: u32(16),
            listBytes: table.readUInt16LE(at + 24) - 3,
            offset: table.readUInt16LE(at + 26),
          };
    case KIND.file: {
      const [fragment, bytes, from] = long ? [u32(44), u64(24), 56] : [u32(20), u32(28), 32];
      if (fragment !== NONE) throw new Error('squashfs: a file with a fragment');
      const length = 4 * Math.ceil(bytes / blockBytes);
      const blocks = table.subarray(at + from, at + from + length);
      if (blocks.length !== length) throw new Error('squashfs: an inode that is cut off');
      const facts = long
        ? { start: u64(16), sparseBytes: u64(32), xattr: u32(52) }
        : { start: u32(16), sparseBytes: 0 };
      return { ...common, kind, bytes, blocks, ...facts };
    }
    case KIND.link: {
      const end = 24 + u32(20);
      const target = table.subarray(at + 24, at + end);
      return { ...common, kind, target, ...(long ? { xattr: u32(end) } : {}) };
    }
    case KIND.block:
    case KIND.character:
      return { ...common, kind, device: u32(20), ...(long ? { xattr: u32(24) } : {}) };
    case KIND.pipe:
    case KIND.socket:
      return { ...common, kind, device: 0, ...(long ? { xattr: u32(20) } : {}) };
  }
  throw new Error(`squashfs: an inode of kind ${type}`);
}

function header(inode: Inode, long: boolean, number: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(inode.kind + (long ? LONG : 0), 0);
  bytes.writeUInt16LE(inode.mode, 2);
  bytes.writeUInt16LE(inode.uid, 4);
  bytes.writeUInt16LE(inode.gid, 6);
  bytes.writeUInt32LE(inode.mtime, 8);
  bytes.writeUInt32LE(number, 12);
  return bytes;
}

function words(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [i, number] of numbers.entries()) bytes.writeUInt32LE(number, 4 * i);
  return bytes;
}

function longWords(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(8 * numbers.length);
  for (const [i, number] of numbers.entries()) bytes.writeBigUInt64LE(BigInt(number), 8 * i);
  return bytes;
}

/** @param links how many names it has */
export function renderInode(inode: Exclude<Inode, FolderInode>, number: number, links: number): Buffer {
  const { xattr } = inode;
  const more = xattr === NONE ? [] : [words(xattr)];
  switch (inode.kind) {
    case KIND.file: {
      const { start, bytes, sparseBytes, blocks } = inode;
      const long = links > 1 || more.length > 0 || sparseBytes > 0 || start > NONE || bytes > NONE;
      return long
        ? Buffer.concat([
            header(inode, true, number),
            longWords(start, bytes, sparseBytes),
            words(links, NONE, 0, xattr),
            blocks,
          ])
        : Buffer.concat([header(inode, false, number), words(start, NONE, 0, bytes), blocks]);
    }
    case KIND.link:
      return Buffer.concat([
        header(inode, more.length > 0, number),
        words(links, inode.target.length),
        inode.target,
        ...more,
      ]);
    default: {
      const device = inode.kind === KIND.pipe || inode.kind === KIND.socket ? [] : [inode.device];
      return Buffer.concat([header(inode, more.length > 0, number), words(links, ...device), ...more]);
    }
  }
}

/** Of a long list, to find names without reading all of it: a place for every 8 KiB. */
export interface ListIndex {
  /** From the list's beginning. */
  at: number;
  name: string;
}

export interface FolderPlace {
  number: number;
  parent: number;
  /** Names of it: two, and one for each folder in it. */
  links: number;
  index: readonly ListIndex[];
  /** Where the block is that holds each place of the index. */
  indexStarts: readonly number[];
}

export function renderFolder(folder: FolderInode, place: FolderPlace): Buffer {
  const { start, offset, listBytes, xattr } = folder;
  const { number, parent, links, index, indexStarts } = place;
  const saidBytes = listBytes + 3;
  if (index.length === 0 && xattr === NONE && saidBytes <= 0xffff) {
    const sizes = Buffer.alloc(4);
    sizes.writeUInt16LE(saidBytes, 0);
    sizes.writeUInt16LE(offset, 2);
    return Buffer.concat([header(folder, false, number), words(start, links), sizes, words(parent)]);
  }
  const sizes = Buffer.alloc(4);
  sizes.writeUInt16LE(index.length, 0);
  sizes.writeUInt16LE(offset, 2);
  return Buffer.concat([
    header(folder, true, number),
    words(links, saidBytes, start, parent),
    sizes,
    words(xattr),
    ...index.flatMap(({ at, name }, i) => [
      words(at, indexStarts[i]!, name.length - 1),
      Buffer.from(name, 'latin1'),
    ]),
  ]);
}
