import { open } from 'node:fs/promises';
import { type FolderInode, type Inode, KIND, parseInode } from './inodes.ts';
import { type PackedTable, splitTable, type Table, unpackTables } from './metadata.ts';
import { parseSuperblock, type Superblock, SUPERBLOCK_BYTES } from './superblock.ts';
import { parseXattrs, type XattrSet } from './xattrs.ts';

/** What an image says of its files; of their data only where they are. */
export interface ImageTables {
  superblock: Superblock;
  /** By path without a leading slash, the root's is empty; a character is a byte. */
  inodes: Map<string, Inode>;
  /** Numbers of owners. */
  owners: number[];
  xattrs: XattrSet[];
}

/** @param work a folder for files that come and go @throws Error for one that is none, or that we do not read */
export async function readTables(image: string, work: string): Promise<ImageTables> {
  const file = await open(image);
  try {
    const read = async (at: number, end: number): Promise<Buffer> =>
      (await file.read(Buffer.alloc(end - at), 0, end - at, at)).buffer;
    const superblock = parseSuperblock(await read(0, SUPERBLOCK_BYTES));
    if (!superblock) throw new Error('squashfs: no superblock');
    const begin = superblock.inodeTable;
    const tail = await read(begin, superblock.usedBytes);
    return await parseTables(superblock, (at, end) => tail.subarray(at - begin, end - begin), work);
  } finally {
    await file.close();
  }
}

type Slice = (at: number, end: number) => Buffer;

async function parseTables(superblock: Superblock, slice: Slice, work: string): Promise<ImageTables> {
  const { inodeTable, directoryTable, fragmentTable, exportTable, idTable, xattrTable } = superblock;
  const u64 = (at: number): number => Number(slice(at, at + 8).readBigUInt64LE());
  const firstId = u64(idTable);
  const directoryEnd = exportTable === undefined ? Math.min(fragmentTable, firstId) : u64(exportTable);
  const regions: [number, number][] = [
    [inodeTable, directoryTable],
    [directoryTable, Math.min(directoryEnd, fragmentTable)],
    [firstId, idTable],
  ];
  if (xattrTable !== undefined)
    regions.push([u64(xattrTable), u64(xattrTable + 16)], [u64(xattrTable + 16), xattrTable]);
  const packed = regions.map(([at, end]): PackedTable => splitTable(slice(at, end)));
  const [inodes, folders, ids, xattrData, xattrIds] = await unpackTables(packed, work);
  const owners = Array.from({ length: superblock.ids }, (_, i) => ids!.bytes.readUInt32LE(4 * i));
  return {
    superblock,
    inodes: walk(superblock, inodes!, folders!),
    owners,
    xattrs: xattrData && xattrIds ? parseXattrs(xattrIds.bytes, xattrData) : [],
  };
}

function walk({ root, blockBytes }: Superblock, table: Table, folders: Table): Map<string, Inode> {
  const known = new Map<number, Inode>();
  const found = new Map<string, Inode>();
  const inodeAt = (block: number, offset: number): Inode => {
    const begin = table.blocks.get(block);
    if (begin === undefined) throw new Error('squashfs: a reference to no block');
    const at = begin + offset;
    const inode = known.get(at) ?? parseInode(table.bytes, at, blockBytes);
    known.set(at, inode); // names of one file share it
    return inode;
  };
  const enter = (path: string, { start, offset, listBytes }: FolderInode): void => {
    const begin = folders.blocks.get(start);
    if (listBytes <= 0) return;
    if (begin === undefined) throw new Error('squashfs: a folder without a list');
    const list = folders.bytes.subarray(begin + offset, begin + offset + listBytes);
    if (list.length < listBytes) throw new Error('squashfs: a list that is cut off');
    for (let at = 0; at < list.length;) {
      const count = list.readUInt32LE(at) + 1;
      const block = list.readUInt32LE(at + 4);
      at += 12;
      for (let n = 0; n < count; n++) {
        const end = at + 8 + list.readUInt16LE(at + 6) + 1;
        const inode = inodeAt(block, list.readUInt16LE(at));
        const below = path === '' ? '' : `${path}/`;
        const name = `${below}${list.toString('latin1', at + 8, end)}`;
        found.set(name, inode);
        if (inode.kind === KIND.folder) enter(name, inode);
        at = end;
      }
    }
  };
  const top = inodeAt(Number(root >> 16n), Number(root & 0xffffn));
  if (top.kind !== KIND.folder) throw new Error('squashfs: a root that is no folder');
  found.set('', top);
  enter('', top);
  return found;
}
