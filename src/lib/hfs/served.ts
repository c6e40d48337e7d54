import { readFileSync, statSync } from 'node:fs';
import { listImages, usedBytes } from './image.ts';
import type { ServedHome } from './protocol.ts';
import type { Hfs } from './server.ts';
import { queryJob } from './storage.ts';
import { connectedClients } from './tcp-table.ts';

/** What is on this server's disk, and what of it is served. */
export async function listServed(hfs: Hfs, nowMs: number): Promise<ServedHome[]> {
  const images = listImages(hfs.imageDir);
  const newest = new Map<string, number>();
  for (const { login, epoch } of images) newest.set(login, Math.max(epoch, newest.get(login) ?? 0));
  const clients = connectedClients(readFileSync('/proc/net/tcp', 'latin1'));
  return Promise.all(
    images.map(async ({ login, epoch }): Promise<ServedHome> => {
      const file = hfs.imageFile(login, epoch);
      const { size, mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? { size: 0, mtimeMs: nowMs };
      const running = hfs.running.get(login);
      const home = running?.record.epoch === epoch ? running : undefined;
      const job = home?.record.mode === 'fetch' ? await queryJob(home.qmp).catch(() => undefined) : undefined;
      const states = { serve: 'served', fetch: 'moving', source: 'source' } as const;
      return {
        login,
        epoch,
        size_bytes: size,
        used_bytes: usedBytes(file),
        state: home ? states[home.record.mode] : newest.get(login) === epoch ? 'stored' : 'kept',
        client: home ? (clients.get(`${hfs.host}:${home.record.export.port}`) ?? null) : null,
        age_seconds: Math.max(0, Math.round((nowMs - mtimeMs) / 1000)),
        ...(job ? { progress: job.progress } : {}),
      };
    }),
  );
}
