import type { Site } from '../site/site.ts';
import { onInterrupt, STOPPING } from './interrupt.ts';
import type { Access } from './open.ts';
import { openOutput, type Output, type OutputFlags } from './output/open-output.ts';
import { summaryData, summaryLines } from './output/summary.ts';
import type { Job, Outcome, Target } from './protocol.ts';
import { runEverywhere } from './run-everywhere.ts';
import { recordRun } from './runs.ts';

export interface RecordedRun {
  /** For the run's log, such as `run uptime`. */
  what: string;
  output: OutputFlags;
  fanout: number;
  commandMs: number;
  note: (text: string) => void;
}

/**
 * Runs one job at every machine from its log's first line to the summary: output as it is wanted, Ctrl-C, the exit status.
 * @returns the result for --json
 * @throws ProloError what was wrong here, such as a full disk; never what was wrong at a machine
 */
export async function runRecorded(
  site: Site,
  targets: readonly Target[],
  job: Job,
  { connector }: Pick<Access, 'connector'>,
  { what, output, fanout, commandMs, note }: RecordedRun,
): Promise<{ data: Record<string, unknown>; exitStatus: number }> {
  const startedMs = performance.now();
  const hostnames = targets.map(({ hostname }) => hostname);
  let trouble: unknown;
  let say: Output['say'] = () => false;
  const interrupt = onInterrupt(() => {
    if (!say(STOPPING)) note(`prolo: ${STOPPING}`);
  });
  const shown = await openOutput(output, hostnames, (error) => {
    trouble ??= error;
    interrupt.stop();
  });
  say = shown.say;
  const about = { what, hostnames, ...(output.out === undefined ? {} : { output: output.out }) };
  const log = await recordRun(site, about, note);
  const sink = {
    write: shown.sink.write,
    async end(outcome: Outcome) {
      await shown.sink.end(outcome);
      log.add(outcome, shown.noteOf(outcome.hostname));
    },
  };
  try {
    const { signal } = interrupt;
    const ended = await runEverywhere(targets, job, connector, sink, { fanout, commandMs, signal });
    const byName = new Map(ended.map((outcome) => [outcome.hostname, outcome]));
    const outcomes = hostnames.flatMap((hostname) => byName.get(hostname) ?? []);
    await log.end();
    await shown.show();
    if (trouble) throw trouble;
    const ms = performance.now() - startedMs;
    for (const line of summaryLines(outcomes, ms)) note(line);
    const summary = summaryData(outcomes, Math.round(ms), log.file);
    return { data: { summary, ...shown.data(outcomes) }, exitStatus: summary.exitStatus };
  } finally {
    interrupt.release();
    await shown.close();
  }
}
