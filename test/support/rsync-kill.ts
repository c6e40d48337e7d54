import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bringVersion, type Remote } from '../../src/lib/rfs/distribute.ts';
import type { Manifest } from '../../src/lib/rfs/manifest.ts';

export interface Breaking {
  remote: Remote;
  /** Of versions, as the gateway and the server name it. */
  dir: string;
  /** The server's own, as this machine sees it. */
  folder: string;
  manifest: Manifest;
  kills: number;
}

/**
 * Brings a version again and again, and kills one of its rsyncs, here or there, at random; the last time is left alone. Where one got
 * through meanwhile, it is taken away, and begun anew.
 * @returns how often one was killed, and how often one came too late
 */
export async function bringThroughKills(breaking: Breaking): Promise<{ killed: number; late: number }> {
  const { remote, dir, folder, manifest, kills } = breaking;
  const there = join(folder, String(manifest.version));
  const startedMs = performance.now();
  rmSync(there, { recursive: true });
  await bringVersion(remote, dir, manifest);
  // So that the moments are spread over all of a copy, as far as that takes no longer than a test should.
  const longestMs = Math.min(performance.now() - startedMs, 1000);
  rmSync(there, { recursive: true });
  let [killed, late] = [0, 0];
  for (let round = 0; killed < kills; round++) {
    if (round > 4 * kills) throw new Error(`of ${round} copies only ${killed} could be killed`);
    let isOver = false;
    const bringing = bringVersion(remote, dir, manifest).then(
      () => true,
      () => false,
    );
    void bringing.then(() => (isOver = true));
    while (!isOver && rsyncsOf(dir).length === 0) await sleep(2);
    await sleep(Math.random() * longestMs);
    const [victim] = shuffled(rsyncsOf(dir));
    if (!isOver && victim !== undefined) kill(victim);
    if (await bringing) {
      late++;
      rmSync(there, { recursive: true });
    } else killed++;
  }
  await bringVersion(remote, dir, manifest);
  return { killed, late };
}

/** Those that copy to or from that folder. */
function rsyncsOf(dir: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return argv[0] === 'rsync' && argv.some((word) => word.includes(`${dir}/`));
      } catch {
        return false; // gone meanwhile
      }
    })
    .map(Number);
}

const shuffled = <T>(list: readonly T[]): T[] =>
  list
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
