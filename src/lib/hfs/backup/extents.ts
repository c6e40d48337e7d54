import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { runOk } from '../../exec.ts';
import { type Extent, layOutTar, mergeExtents, type SparseTar } from './sparse-tar.ts';

/**
 * Bytes of one read, and of the blocks that a snapshot copies. QEMU before 8.0 answers a read or a question for extents
 * that begins in a copied block and ends in another from the live image ("hbitmap: fix hbitmap_status() return value for first
 * dirty bit case"). So no read crosses a block, the kernel's read-ahead
 * is passed by, and a snapshot is not asked where it has data.
 */
const BLOCK_BYTES = 64 * 1024;
const BLOCKS_AT_ONCE = 16;

/** What to read, and the files that together have data wherever it has. */
export interface Source {
  file: string;
  isSnapshot: boolean;
  /** Asked one after another. */
  mapped: readonly string[];
}

/** Where one of raw files has data. `-U`: without a lock, which a storage that starts meanwhile would stumble over. */
async function findExtents(files: readonly string[], sizeBytes: number): Promise<Extent[]> {
  const found: Extent[] = [];
  for (const file of files) {
    const argv = ['qemu-img', 'map', '-U', '-f', 'raw', '--output=json', file];
    const { stdout } = await runOk(argv, { timeoutMs: 120_000 });
    found.push(...(JSON.parse(stdout) as (Extent & { data: boolean })[]).filter(({ data }) => data));
  }
  found.sort((a, b) => a.start - b.start);
  return mergeExtents(found, sizeBytes, BLOCK_BYTES);
}

/** A file as a sparse tar, and the bytes of it, read no faster than `bytesPerSecond` (0: as fast as it goes). */
export async function tarOf(
  { file, isSnapshot, mapped }: Source,
  name: string,
  bytesPerSecond: number,
): Promise<SparseTar & { bytes: AsyncGenerator<Buffer> }> {
  const handle = await open(file, isSnapshot ? constants.O_RDONLY | constants.O_DIRECT : constants.O_RDONLY);
  try {
    const { size } = await handle.stat();
    const extents = await findExtents(mapped, size);
    const tar = layOutTar(name, size, extents, Date.now() / 1000);
    return { ...tar, bytes: read() };

    async function* read(): AsyncGenerator<Buffer> {
      try {
        yield tar.head;
        const startMs = performance.now();
        let done = 0;
        for (const part of extents.flatMap((extent) => cut(extent, BLOCK_BYTES * BLOCKS_AT_ONCE))) {
          const blocks = cut(part, BLOCK_BYTES).map((block) => readWhole(handle, file, block));
          yield Buffer.concat(await Promise.all(blocks));
          done += part.length;
          const aheadMs = bytesPerSecond > 0 ? (done * 1000) / bytesPerSecond : 0;
          const waitMs = aheadMs - (performance.now() - startMs);
          if (waitMs > 1) await sleep(waitMs);
        }
        yield tar.tail;
      } finally {
        await handle.close();
      }
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function cut({ start, length }: Extent, bytes: number): Extent[] {
  return Array.from({ length: Math.ceil(length / bytes) }, (_, i) => ({
    start: start + i * bytes,
    length: Math.min(bytes, length - i * bytes),
  }));
}

async function readWhole(handle: FileHandle, file: string, { start, length }: Extent): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, start);
  if (bytesRead < length) throw new Error(`file ${file}: shorter than a moment ago`);
  return buffer;
}
