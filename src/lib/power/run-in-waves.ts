import type { MachineRecord } from '../mdb/record.ts';
import type { Site } from '../site/site.ts';
import { fanOut } from '../ssh/fan-out.ts';
import { onInterrupt } from '../ssh/interrupt.ts';
import { nodesOf, summaryLines } from '../ssh/output/summary.ts';
import type { Outcome } from '../ssh/protocol.ts';
import { startRun } from '../ssh/runs.ts';
import { runWaves, type Wave } from '../ssh/waves.ts';

export interface WaveRun {
  /** For the log of runs, such as `reboot`. */
  what: string;
  waves: readonly Wave<MachineRecord>[];
  /** At once, in each wave. */
  fanout: number;
  /** @param stop what has begun is finished, but nothing new is waited for */
  work: (machine: MachineRecord, stop: AbortSignal) => Promise<Outcome>;
}

/** Works on the waves, and says what comes of it. @returns an outcome for each machine, also for those that were not touched */
export async function runInWaves(
  site: Site,
  { what, waves, fanout, work }: WaveRun,
  note: (text: string) => void,
): Promise<Outcome[]> {
  const startedMs = performance.now();
  const hostnames = waves.flatMap(({ items }) => items.map(({ hostname }) => hostname));
  const log = await startRun(site, { what, hostnames });
  const interrupt = onInterrupt(() =>
    note('no other machine is touched, what has begun is finished; Ctrl-C again leaves at once'),
  );
  const outcomes: Outcome[] = [];
  const add = (outcome: Outcome): void => {
    outcomes.push(outcome);
    log.add(outcome);
  };
  try {
    const untouched = await runWaves(
      waves,
      (wave) => {
        if (waves.length > 1) note(`${wave.atMs / 1000} s: ${what}: ${nodesOf(wave.items)}`);
        return fanOut(wave.items, async (machine) => add(await work(machine, interrupt.signal)), {
          atOnce: fanout,
        });
      },
      { signal: interrupt.signal },
    );
    for (const { hostname } of untouched) add({ hostname, status: 'stopped', reason: 'not touched', ms: 0 });
  } finally {
    interrupt.release();
    await log.end();
  }
  for (const line of summaryLines(outcomes, performance.now() - startedMs)) note(line);
  return outcomes;
}
