/**
 * Clients that write a rising counter, flush, and say what was acknowledged; any number of them in a process of their own.
 * Started by `startCounters`; it is told what to do by messages.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BLOCK, counterBlock, type Region } from './counter-block.ts';
import { connectNbd, type NbdAddress, type NbdClient } from './nbd-client.ts';

export interface CounterTask {
  id: number;
  address: NbdAddress;
  region: Region;
  first: number;
  /** Between an acknowledgement and the next write; 0: none. */
  pauseMs: number;
}
export type CounterOrder = { start: CounterTask } | { stop: number };

/**
 * `acked`: the last of those since the last report; `gapMs`: the longest that one of them took. `ended`: no further one; with the
 * error, if it was one.
 */
export type CounterReport =
  | { id: number; acked: number; gapMs: number }
  | { id: number; connected: true }
  | { id: number; ended: true; acked?: number; error?: string };

const stopped = new Set<number>();
/** The parent reads a message slower than a disk flushes. */
const REPORT_MS = 3;

process.on('message', (order: CounterOrder) => {
  if ('stop' in order) stopped.add(order.stop);
  else void work(order.start);
});
process.on('disconnect', () => process.exit());
process.send!('ready');

async function work({ id, address, region, first, pauseMs }: CounterTask): Promise<void> {
  let client: NbdClient | undefined;
  let acked = first - 1;
  try {
    client = await connectNbd(address);
    tell({ id, connected: true });
    let [reportedAt, gapMs] = [performance.now(), 0];
    for (let counter = first; !stopped.has(id); counter++) {
      if (pauseMs > 0) await sleep(pauseMs);
      const before = performance.now();
      await client.write(region.offset + (counter % region.blocks) * BLOCK, counterBlock(counter));
      await client.flush();
      const now = performance.now();
      gapMs = Math.max(gapMs, now - before);
      acked = counter;
      if (now - reportedAt < REPORT_MS) continue;
      tell({ id, acked, gapMs });
      [reportedAt, gapMs] = [now, 0];
    }
    await client.close();
    tell({ id, ended: true, acked });
  } catch (error) {
    client?.destroy();
    tell({ id, ended: true, acked, error: (error as Error).message });
  }
}

function tell(report: CounterReport): void {
  process.send!(report, undefined, undefined, () => undefined);
}
