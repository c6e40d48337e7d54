import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { runOk } from '../../exec.ts';
import { type Extent, layOutTar, mergeExtents, type SparseTar } from './sparse-tar.ts';

const READ_BYTES = 1024 * 1024;

/** Where a raw file has data. `-U`: without a lock, which a storage that starts meanwhile would stumble over. */
async function findExtents(file: string, sizeBytes: number): Promise<Extent[]> {
  const argv = ['qemu-img', 'map', '-U', '-f', 'raw', '--output=json', file];
  const { stdout } = await runOk(argv, { timeoutMs: 120_000 });
  const parts = JSON.parse(stdout) as (Extent & { data: boolean })[];
  return mergeExtents(
    parts.filter(({ data }) => data),
    sizeBytes,
  );
}

/** A file as a sparse tar, and the bytes of it, read no faster than `bytesPerSecond` (0: as fast as it goes). */
export async function tarOf(
  file: string,
  name: string,
  bytesPerSecond: number,
): Promise<SparseTar & { bytes: AsyncGenerator<Buffer> }> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const extents = await findExtents(file, size);
    const tar = layOutTar(name, size, extents, Date.now() / 1000);
    return { ...tar, bytes: read() };

    async function* read(): AsyncGenerator<Buffer> {
      try {
        yield tar.head;
        const startMs = performance.now();
        let done = 0;
        for (const { start, length } of extents)
          for (let at = 0; at < length; at += READ_BYTES) {
            const wanted = Math.min(READ_BYTES, length - at);
            const { buffer, bytesRead } = await handle.read(Buffer.alloc(wanted), 0, wanted, start + at);
            if (bytesRead < wanted) throw new Error(`file ${file}: shorter than a moment ago`);
            yield buffer;
            done += wanted;
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
