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
  /** A length for each of its blocks, four bytes each: so many bytes of a table. */
  blocks: { table: Buffer; at: number; bytes: number };
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

function parseFile(table: Buffer, at: number, blockBytes: number): FileInode {
  const bytes = table.readUInt32LE(at + 28);
  const blocks = { table, at: at + 32, bytes: 4 * Math.ceil(bytes / blockBytes) };
  if (table.readUInt32LE(at + 20) !== NONE) throw new Error('squashfs: a file with a fragment');
  if (blocks.at + blocks.bytes > table.length) throw new Error('squashfs: an inode that is cut off');
  return {
    kind: KIND.file,
    mode: table.readUInt16LE(at + 2),
    uid: table.readUInt16LE(at + 4),
    gid: table.readUInt16LE(at + 6),
    mtime: table.readUInt32LE(at + 8),
    xattr: NONE,
    start: table.readUInt32LE(at + 16),
    bytes,
    sparseBytes: 0,
    blocks,
  };
}

/** @param at where it begins @throws Error for a kind that there is not, or a file with a fragment */
export function parseInode(table: Buffer, at: number, blockBytes: number): Inode {
  const type = table.readUInt16LE(at);
  if (type === KIND.file) return parseFile(table, at, blockBytes); // most are
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
      // the long form
      const bytes = u64(24);
      const blocks = { table, at: at + 56, bytes: 4 * Math.ceil(bytes / blockBytes) };
      if (u32(44) !== NONE) throw new Error('squashfs: a file with a fragment');
      if (blocks.at + blocks.bytes > table.length) throw new Error('squashfs: an inode that is cut off');
      const [start, sparseBytes, xattr] = [u64(16), u64(32), u32(52)];
      return { ...common, kind, bytes, blocks, start, sparseBytes, xattr };
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

/** A table that is being written. */
export interface Draft {
  bytes: Buffer;
  end: number;
}

export const startDraft = (): Draft => ({ bytes: Buffer.alloc(64 * 1024), end: 0 });

/** @returns where so many more bytes go */
function grow(draft: Draft, bytes: number): number {
  const at = draft.end;
  draft.end += bytes;
  if (draft.end > draft.bytes.length) {
    const more = Buffer.alloc(Math.max(draft.end, 2 * draft.bytes.length));
    draft.bytes.copy(more, 0, 0, at);
    draft.bytes = more;
  }
  return at;
}

function putHeader(draft: Draft, inode: Inode, long: boolean, number: number): void {
  const at = grow(draft, 16);
  const { bytes } = draft;
  bytes.writeUInt16LE(inode.kind + (long ? LONG : 0), at);
  bytes.writeUInt16LE(inode.mode, at + 2);
  bytes.writeUInt16LE(inode.uid, at + 4);
  bytes.writeUInt16LE(inode.gid, at + 6);
  bytes.writeUInt32LE(inode.mtime, at + 8);
  bytes.writeUInt32LE(number, at + 12);
}

function putWords(draft: Draft, ...numbers: number[]): void {
  let at = grow(draft, 4 * numbers.length);
  for (const number of numbers) at = draft.bytes.writeUInt32LE(number, at);
}

function putLongWords(draft: Draft, ...numbers: number[]): void {
  let at = grow(draft, 8 * numbers.length);
  for (const number of numbers) at = draft.bytes.writeBigUInt64LE(BigInt(number), at);
}

function putBytes(draft: Draft, from: Buffer, begin = 0, end = from.length): void {
  const at = grow(draft, end - begin);
  from.copy(draft.bytes, at, begin, end);
}

/** @param links how many names it has */
export function putInode(
  draft: Draft,
  inode: Exclude<Inode, FolderInode>,
  number: number,
  links: number,
): void {
  const { xattr } = inode;
  const hasMore = xattr !== NONE;
  if (inode.kind === KIND.file) {
    const { start, bytes, sparseBytes, blocks } = inode;
    const long = links > 1 || hasMore || sparseBytes > 0 || start > NONE || bytes > NONE;
    putHeader(draft, inode, long, number);
    if (long) {
      putLongWords(draft, start, bytes, sparseBytes);
      putWords(draft, links, NONE, 0, xattr);
    } else putWords(draft, start, NONE, 0, bytes);
    putBytes(draft, blocks.table, blocks.at, blocks.at + blocks.bytes);
    return;
  }
  putHeader(draft, inode, hasMore, number);
  putWords(draft, links);
  if (inode.kind === KIND.link) {
    putWords(draft, inode.target.length);
    putBytes(draft, inode.target);
  } else if (inode.kind === KIND.block || inode.kind === KIND.character) putWords(draft, inode.device);
  if (hasMore) putWords(draft, xattr);
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

export function putFolder(draft: Draft, folder: FolderInode, place: FolderPlace): void {
  const { start, offset, listBytes, xattr } = folder;
  const { number, parent, links, index, indexStarts } = place;
  const saidBytes = listBytes + 3;
  const long = index.length > 0 || xattr !== NONE || saidBytes > 0xffff;
  putHeader(draft, folder, long, number);
  if (!long) {
    putWords(draft, start, links, saidBytes + offset * 0x10000, parent);
    return;
  }
  putWords(draft, links, saidBytes, start, parent, index.length + offset * 0x10000, xattr);
  for (const [i, { at, name }] of index.entries()) {
    putWords(draft, at, indexStarts[i]!, name.length - 1);
    putBytes(draft, Buffer.from(name, 'latin1'));
  }
}
