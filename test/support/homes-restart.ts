import { type DaemonName, type HomesSite, userName } from './homes.ts';
import { type Counter, startCounters } from './counter-clients.ts';
import { KILL_REGION } from './homes-kill.ts';

/** People who write, not benches: what they wait for is not each other's share of the disk. */
const PAUSE_MS = 100;

/**
 * `hfs` ends, by `kill -9` and by SIGTERM in turn, and is started again, while homes are written on it.
 * @returns the longest time that any client waited for an acknowledgement
 * @throws Error when a client was cut off, or a home is not known any more afterwards
 */
export async function restartUnderLoad(
  homes: HomesSite,
  people: number,
  restarts: number,
): Promise<{ gapMs: number; quietGapMs: number; writes: number }> {
  const counters = await startCounters();
  const name: DaemonName = 'hfs@0';
  try {
    const clients: Counter[] = [];
    for (let n = 1; n <= people; n++)
      clients.push(counters.start(await homes.enter(userName(n), 0, n), KILL_REGION, 0, PAUSE_MS));
    await all(clients, 5);
    // The machine's own: what its disk and its scheduler make clients wait, with nothing restarted.
    for (const client of clients) client.forgetGaps();
    await all(clients, 40);
    const quietGapMs = largest(clients);
    const gaps: number[] = [];
    for (let restart = 0; restart < restarts; restart++) {
      for (const client of clients) client.forgetGaps();
      if (restart % 2 === 0) await homes.kill(name);
      else await homes.end(name);
      await homes.start(name);
      await all(clients, 25);
      gaps.push(largest(clients));
      const served = (await homes.served(0)).filter(({ state, client }) => state === 'served' && client);
      if (served.length !== people) throw new Error(`after the restart ${served.length} homes are served`);
    }
    const cut = clients.find(({ error }) => error !== undefined);
    if (cut) throw new Error(`a client was cut off: ${cut.error}`);
    const writes = clients.reduce((sum, { last }) => sum + last + 1, 0);
    await Promise.all(clients.map((client) => client.stop()));
    return { gapMs: Math.max(...gaps), quietGapMs, writes };
  } finally {
    await counters.close();
  }
}

/** Until each has so many more acknowledged. */
async function all(clients: readonly Counter[], more: number): Promise<void> {
  await Promise.all(clients.map((client) => client.until(client.last + more)));
}

function largest(clients: readonly Counter[]): number {
  return Math.max(...clients.map((client) => client.largestGapMs()));
}
