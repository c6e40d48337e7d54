import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../cli/output.ts';
import type { Sink } from '../protocol.ts';

/**
 * Two files a machine, written as its output comes: NAME.out, and NAME.err if it says anything there. A machine whose command did
 * not run has none; files of an earlier run do not stay.
 * @param dir made if it is not there; its parent must be
 * @throws ProloError `not-found`, or what the system says
 */
export async function fileSink(dir: string, hostnames: readonly string[]): Promise<Sink> {
  await makeFolder(dir);
  const pathOf = (hostname: string, stream: 'stdout' | 'stderr'): string =>
    join(dir, `${hostname}.${stream === 'stdout' ? 'out' : 'err'}`);
  for (const hostname of hostnames)
    for (const stream of ['stdout', 'stderr'] as const) await rm(pathOf(hostname, stream), { force: true });
  const files = new Map<string, FileHandle>();
  const fileOf = async (path: string): Promise<FileHandle> => {
    let file = files.get(path);
    if (!file) files.set(path, (file = await open(path, 'w')));
    return file;
  };
  return {
    async write(hostname, stream, chunk) {
      const file = await fileOf(pathOf(hostname, stream));
      for (let rest = chunk; rest.length > 0;) rest = rest.subarray((await file.write(rest)).bytesWritten);
    },
    async end({ hostname, status }) {
      if (status === 'ok' || status === 'failed') await fileOf(pathOf(hostname, 'stdout'));
      for (const stream of ['stdout', 'stderr'] as const) {
        const path = pathOf(hostname, stream);
        await files.get(path)?.close();
        files.delete(path);
      }
    },
  };
}
