import { renderList } from './directories.ts';
import {
  type FileInode,
  type FolderInode,
  type FolderPlace,
  type Inode,
  KIND,
  NONE,
  putFolder,
  putInode,
  startDraft,
  storedBytes,
} from './inodes.ts';
import { BLOCK, packTables, plainTable } from './metadata.ts';
import { renderSuperblock, type Superblock } from './superblock.ts';
import { createXattrs, type XattrSet } from './xattrs.ts';

/** A file of a tree that is to be written. Names of one file share one of these. */
export interface Node {
  inode: Inode;
  /** What the numbers of `inode` mean: the tables of the image that it comes from. */
  owners: readonly number[];
  xattrs: readonly XattrSet[];
  /** Of a folder, in order of their names' bytes. */
  children?: { name: string; node: Node }[];
}

interface Laid {
  number: number;
  links: number;
  /** In its table, before that is packed. */
  at: number;
  inode: Inode;
}

/**
 * All that comes after the data of an image, and the superblock that says so. Inodes of folders are not packed: they say where lists are,
 * which say where inodes are, and both places have to be known before either is packed.
 * @param dataEnd where the tables begin in the image
 * @param like an image whose kind it is to be
 * @param work a folder for files that come and go
 */
export async function renderTables(
  root: Node,
  dataEnd: number,
  like: Superblock,
  madeAt: number,
  work: string,
): Promise<{ superblock: Buffer; tables: Buffer }> {
  const { laid, folders, owners, xattrs } = layOut(root);
  const files = startDraft();
  for (const entry of laid.values()) {
    if (entry.inode.kind === KIND.folder) continue;
    entry.at = files.end;
    putInode(files, entry.inode, entry.number, entry.links);
  }
  // All blocks but a table's last are full.
  const full = Math.ceil(files.end / BLOCK) * BLOCK;
  const fileInodes = Buffer.concat([files.bytes.subarray(0, files.end)], full);
  const [packedFiles] = await packTables([fileInodes], work);
  const foldersStart = packedFiles!.bytes.length;
  const place = ({ at, inode }: Laid): { block: number; offset: number } => ({
    block:
      inode.kind === KIND.folder
        ? foldersStart + Math.floor(at / BLOCK) * (BLOCK + 2)
        : packedFiles!.starts[Math.floor(at / BLOCK)]!,
    offset: at % BLOCK,
  });

  // A folder after all that is in it: their places are known by then.
  const lists: Buffer[] = [];
  const begun: { entry: Laid; inode: FolderInode; rest: Omit<FolderPlace, 'indexStarts'>; at: number }[] = [];
  const folderSizes = startDraft();
  let listsAt = 0;
  for (const { node, parent } of folders) {
    const entry = laid.get(node)!;
    const { bytes, index } = renderList(
      node.children!.map(({ name, node: child }) => {
        const there = laid.get(child)!;
        return { name, kind: there.inode.kind, number: there.number, ...place(there) };
      }),
    );
    const inode: FolderInode = { ...(entry.inode as FolderInode), listBytes: bytes.length, start: 0 };
    const links = 2 + node.children!.filter(({ node: child }) => child.inode.kind === KIND.folder).length;
    const above = parent ? laid.get(parent)!.number : laid.size + 1;
    const rest = { number: entry.number, parent: above, links, index };
    entry.at = folderSizes.end;
    putFolder(folderSizes, inode, { ...rest, indexStarts: index.map(() => 0) });
    begun.push({ entry, inode, rest, at: listsAt });
    lists.push(bytes);
    listsAt += bytes.length;
  }

  const ids = Buffer.alloc(4 * owners.length);
  for (const [i, id] of owners.entries()) ids.writeUInt32LE(id, 4 * i);
  const exported = Buffer.alloc(8 * laid.size);
  for (const entry of laid.values()) {
    const { block, offset } = place(entry);
    exported.writeBigUInt64LE((BigInt(block) << 16n) | BigInt(offset), 8 * (entry.number - 1));
  }
  const setData = Buffer.concat(xattrs.map(({ data }) => data));
  const [packedLists, packedExports, packedIds, packedSets] = await packTables(
    [Buffer.concat(lists), exported, ids, setData],
    work,
  );
  const listBlock = (at: number): number => packedLists!.starts[Math.floor(at / BLOCK)] ?? 0;
  const folderInodes = startDraft();
  for (const { inode, rest, at } of begun)
    putFolder(
      folderInodes,
      { ...inode, start: inode.listBytes > 0 ? listBlock(at) : 0, offset: at % BLOCK },
      { ...rest, indexStarts: rest.index.map((one) => listBlock(at + one.at)) },
    );
  const folderTable = plainTable(folderInodes.bytes.subarray(0, folderInodes.end));

  const parts: Buffer[] = [];
  let end = dataEnd;
  const put = (bytes: Buffer): number => {
    parts.push(bytes);
    return (end += bytes.length) - bytes.length;
  };
  /** A table, and behind it where each of its blocks is. @returns where that list is */
  const putListed = ({ bytes, starts }: { bytes: Buffer; starts: number[] }): number => {
    const begin = put(bytes);
    return put(places(starts.map((start) => begin + start)));
  };
  const inodeTable = put(packedFiles!.bytes);
  put(folderTable.bytes);
  const directoryTable = put(packedLists!.bytes);
  const fragmentTable = end;
  const exportTable = like.exportTable === undefined ? undefined : putListed(packedExports!);
  const idTable = putListed(packedIds!);
  let xattrTable: number | undefined;
  if (xattrs.length > 0) {
    const sets = Buffer.alloc(16 * xattrs.length);
    let at = 0;
    for (const [i, { count, bytes, data }] of xattrs.entries()) {
      const block = packedSets!.starts[Math.floor(at / BLOCK)]!;
      sets.writeBigUInt64LE((BigInt(block) << 16n) | BigInt(at % BLOCK), 16 * i);
      sets.writeUInt32LE(count, 16 * i + 8);
      sets.writeUInt32LE(bytes, 16 * i + 12);
      at += data.length;
    }
    const dataAt = put(packedSets!.bytes);
    const packedNumbers = plainTable(sets);
    const numbersAt = put(packedNumbers.bytes);
    const head = Buffer.alloc(16);
    head.writeBigUInt64LE(BigInt(dataAt), 0);
    head.writeUInt32LE(xattrs.length, 8);
    xattrTable = put(Buffer.concat([head, places(packedNumbers.starts.map((start) => numbersAt + start))]));
  }
  const top = place(laid.get(root)!);
  const superblock = renderSuperblock({
    ...like,
    inodes: laid.size,
    madeAt,
    fragments: 0,
    ids: owners.length,
    root: (BigInt(top.block) << 16n) | BigInt(top.offset),
    usedBytes: end,
    idTable,
    xattrTable,
    inodeTable,
    directoryTable,
    fragmentTable,
    exportTable,
  });
  return { superblock, tables: Buffer.concat(parts) };
}

function places(list: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * list.length);
  for (const [i, at] of list.entries()) bytes.writeBigUInt64LE(BigInt(at), 8 * i);
  return bytes;
}

/** Gives numbers to all, those of a folder one after the other, and new tables of owners and attributes. */
function layOut(root: Node) {
  const laid = new Map<Node, Laid>();
  const ownerNumbers = new Map<number, number>();
  const { add, sets } = createXattrs();
  const owner = (id: number): number => {
    if (!ownerNumbers.has(id)) ownerNumbers.set(id, ownerNumbers.size);
    return ownerNumbers.get(id)!;
  };
  const meet = (node: Node): void => {
    const known = laid.get(node);
    if (known) {
      known.links++;
      return;
    }
    const { inode, owners, xattrs } = node;
    laid.set(node, {
      number: laid.size + 1,
      links: 1,
      at: 0,
      inode: {
        ...inode,
        uid: owner(owners[inode.uid]!),
        gid: owner(owners[inode.gid]!),
        xattr: inode.xattr === NONE ? NONE : add(xattrs[inode.xattr]!),
      },
    });
  };
  const folders: { node: Node; parent: Node | undefined }[] = [];
  const enter = (node: Node, parent: Node | undefined): void => {
    for (const child of node.children!) meet(child.node);
    for (const { node: child } of node.children!) if (child.children) enter(child, node);
    folders.push({ node, parent });
  };
  meet(root);
  enter(root, undefined);
  return { laid, folders, owners: [...ownerNumbers.keys()], xattrs: sets };
}

/** Bytes of an image that a file's data take. */
export function storedRange({ start, blocks }: FileInode): { start: number; end: number } {
  let end = start;
  for (let at = 0; at < blocks.bytes; at += 4) end += storedBytes(blocks.table.readUInt32LE(blocks.at + at));
  return { start, end };
}
