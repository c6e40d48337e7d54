import type { Site } from '../../site/site.ts';
import { formatSize } from '../../hfs/size.ts';
import { onAbort } from '../dial.ts';
import { type Interrupt, STOPPING } from '../interrupt.ts';
import type { Access } from '../open.ts';
import { startProgress } from '../output/progress.ts';
import { summaryData, summaryLines } from '../output/summary.ts';
import type { Job, Outcome, Sink, Target } from '../protocol.ts';
import { runEverywhere } from '../run-everywhere.ts';
import { recordRun } from '../runs.ts';

/**
 * Unless the operator says how many. More at once end no earlier, as they share one wire, and what SSH lets a slow one leave
 * unread is 2 MB each.
 */
const COPIES_AT_ONCE = 50;

/** What both directions need. */
export interface CopyContext {
  site: Site;
  access: Access;
  targets: readonly Target[];
  interrupt: Interrupt;
  /** Of the operator: how many at once. */
  fanout: number | undefined;
  /** For the log: `copy motd to /etc/`. */
  what: string;
  /** Of one machine; 0: as long as it likes. */
  commandMs: number;
  note: (text: string) => void;
  /** No progress line. */
  quiet: boolean;
}

/** How one machine's copy ended, as an answer to how its command did. */
export interface CopySink {
  write: Sink['write'];
  end(outcome: Outcome): Promise<Outcome>;
  /** Until now, and in all where that is known. */
  bytes(): { done: number; all?: number };
}

/**
 * Runs a copy at every machine, with a log, a line of progress and a summary.
 * @returns the result for --json
 */
export async function runCopy(
  { site, access, fanout, targets, interrupt, what, commandMs, note, quiet }: CopyContext,
  job: Job,
  sink: CopySink,
) {
  const startedMs = performance.now();
  const ms = (): number => Math.round(performance.now() - startedMs);
  const hostnames = targets.map(({ hostname }) => hostname);
  const ended = new Map<string, Outcome>();
  const log = await recordRun(site, { what, hostnames }, note);
  const about = (): string => {
    const { done, all } = sink.bytes();
    return `${formatSize(done)}${all === undefined ? '' : ` of ${formatSize(all)}`}; `;
  };
  const isWatched = process.stderr.isTTY && !quiet;
  const progress = isWatched ? await startProgress(hostnames, about) : undefined;
  const unlisten = onAbort(interrupt.signal, () => {
    if (progress) progress.say(STOPPING);
    else note(`prolo: ${STOPPING}`);
  });
  try {
    const limits = {
      fanout: fanout ?? Math.min(access.fanout, COPIES_AT_ONCE),
      commandMs,
      signal: interrupt.signal,
    };
    const end = async (outcome: Outcome): Promise<void> => {
      const told = await sink.end(outcome);
      ended.set(told.hostname, told);
      progress?.add(told);
      log.add(told);
    };
    await runEverywhere(targets, job, access.connector, { write: sink.write, end }, limits);
  } finally {
    unlisten();
    await progress?.stop();
    await log.end();
    await access.close(note);
  }
  const outcomes = hostnames.flatMap((hostname) => ended.get(hostname) ?? []);
  for (const line of summaryLines(outcomes, ms())) note(line);
  const summary = summaryData(outcomes, ms(), log.file);
  return { summary, bytes: sink.bytes().done, outcomes };
}
