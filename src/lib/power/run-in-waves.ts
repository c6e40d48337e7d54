import type { MachineRecord } from '../mdb/record.ts';
import type { Site } from '../site/site.ts';
import { fanOut } from '../ssh/fan-out.ts';
import { onInterrupt } from '../ssh/interrupt.ts';
import { startProgress } from '../ssh/output/progress.ts';
import { nodesOf, summaryLines } from '../ssh/output/summary.ts';
import type { Outcome } from '../ssh/protocol.ts';
import { recordRun } from '../ssh/runs.ts';
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

/** Where words of ours go. */
export interface Words {
  /** What is not the result. */
  note(text: string): void;
  /** The result, for people. */
  log(text: string): void;
  /** A program reads the result. */
  json: boolean;
}

/**
 * Works on the waves, and says what comes of it: a line that tells how far it is, where that is a terminal.
 * @returns an outcome for each machine, in the waves' order; also for those that were not touched
 */
export async function runInWaves(
  site: Site,
  { what, waves, fanout, work }: WaveRun,
  { note, json }: Words,
): Promise<Outcome[]> {
  const startedMs = performance.now();
  const hostnames = waves.flatMap(({ items }) => items.map(({ hostname }) => hostname));
  const log = await recordRun(site, { what, hostnames }, note);
  const progress = process.stderr.isTTY && !json ? await startProgress(hostnames) : undefined;
  const say = (text: string): void => void (progress ? progress.above(Buffer.from(`${text}\n`)) : note(text));
  const interrupt = onInterrupt(() =>
    say('no other machine is touched, what has begun is finished; Ctrl-C again leaves at once'),
  );
  const outcomes = new Map<string, Outcome>();
  const add = (outcome: Outcome): void => {
    outcomes.set(outcome.hostname, outcome);
    progress?.add(outcome);
    log.add(outcome);
  };
  try {
    const left = await runWaves(
      waves,
      (wave) => {
        if (waves.length > 1) say(`${wave.atMs / 1000} s: ${what}: ${nodesOf(wave.items)}`);
        const { signal } = interrupt;
        const workOn = async (machine: MachineRecord): Promise<void> =>
          add(signal.aborted ? untouched(machine) : await work(machine, signal));
        return fanOut(wave.items, workOn, { atOnce: fanout });
      },
      { signal: interrupt.signal },
    );
    for (const machine of left) add(untouched(machine));
  } finally {
    interrupt.release();
    await progress?.stop();
    await log.end();
  }
  const ended = hostnames.map((hostname) => outcomes.get(hostname)!);
  for (const line of summaryLines(ended, performance.now() - startedMs)) note(line);
  return ended;
}

function untouched({ hostname }: MachineRecord): Outcome {
  return { hostname, status: 'stopped', reason: 'not touched', ms: 0 };
}
