/** The first 96 bytes of a squashfs 4.0. Offsets are bytes from the image's beginning. */
export interface Superblock {
  inodes: number;
  /** Seconds. */
  madeAt: number;
  blockBytes: number;
  fragments: number;
  compression: number;
  flags: number;
  ids: number;
  /** Where the root's inode is, as directories say it. */
  root: bigint;
  usedBytes: number;
  idTable: number;
  /** Undefined: no file has attributes. */
  xattrTable: number | undefined;
  inodeTable: number;
  directoryTable: number;
  fragmentTable: number;
  /** By which NFS finds inodes; undefined: there is none. */
  exportTable: number | undefined;
}

export const SUPERBLOCK_BYTES = 96;
const MAGIC = 0x73717368;
const NONE = 0xffff_ffff_ffff_ffffn;
export const ZSTD = 6;

/** @returns undefined where it is none that we know */
export function parseSuperblock(bytes: Buffer): Superblock | undefined {
  if (bytes.length < SUPERBLOCK_BYTES || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  if (bytes.readUInt16LE(28) !== 4 || bytes.readUInt16LE(30) !== 0) return undefined;
  const offset = (at: number): number => Number(bytes.readBigUInt64LE(at));
  const maybe = (at: number): number | undefined =>
    bytes.readBigUInt64LE(at) === NONE ? undefined : offset(at);
  return {
    inodes: bytes.readUInt32LE(4),
    madeAt: bytes.readUInt32LE(8),
    blockBytes: bytes.readUInt32LE(12),
    fragments: bytes.readUInt32LE(16),
    compression: bytes.readUInt16LE(20),
    flags: bytes.readUInt16LE(24),
    ids: bytes.readUInt16LE(26),
    root: bytes.readBigUInt64LE(32),
    usedBytes: offset(40),
    idTable: offset(48),
    xattrTable: maybe(56),
    inodeTable: offset(64),
    directoryTable: offset(72),
    fragmentTable: offset(80),
    exportTable: maybe(88),
  };
}

export function renderSuperblock(block: Superblock): Buffer {
  const bytes = Buffer.alloc(SUPERBLOCK_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(block.inodes, 4);
  bytes.writeUInt32LE(block.madeAt, 8);
  bytes.writeUInt32LE(block.blockBytes, 12);
  bytes.writeUInt32LE(block.fragments, 16);
  bytes.writeUInt16LE(block.compression, 20);
  bytes.writeUInt16LE(Math.log2(block.blockBytes), 22);
  bytes.writeUInt16LE(block.flags, 24);
  bytes.writeUInt16LE(block.ids, 26);
  bytes.writeUInt16LE(4, 28);
  bytes.writeBigUInt64LE(block.root, 32);
  const places = [
    block.usedBytes,
    block.idTable,
    block.xattrTable,
    block.inodeTable,
    block.directoryTable,
    block.fragmentTable,
    block.exportTable,
  ];
  for (const [i, place] of places.entries())
    bytes.writeBigUInt64LE(place === undefined ? NONE : BigInt(place), 40 + 8 * i);
  return bytes;
}
