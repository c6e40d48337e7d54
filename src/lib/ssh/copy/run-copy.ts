import type { Site } from '../../site/site.ts';
import { formatSize } from '../../hfs/size.ts';
import type { Interrupt } from '../interrupt.ts';
import type { Access } from '../open.ts';
import { summaryLines } from '../output/summary.ts';
import type { Job, Outcome, Sink, Target } from '../protocol.ts';
import { runEverywhere } from '../run-everywhere.ts';
import { startRun } from '../runs.ts';
import { showProgress } from './progress.ts';

/** What both directions need. */
export interface CopyContext {
  site: Site;
  access: Access;
  targets: readonly Target[];
  interrupt: Interrupt;
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

/** Runs a copy at every machine, with a log, a line of progress and a summary. */
export async function runCopy(
  { site, access, targets, interrupt, what, commandMs, note, quiet }: CopyContext,
  job: Job,
  sink: CopySink,
): Promise<{ outcomes: Outcome[]; bytes: number }> {
  const startedMs = performance.now();
  const outcomes: Outcome[] = [];
  const log = await startRun(site, { what, hostnames: targets.map(({ hostname }) => hostname) });
  const progress = quiet
    ? undefined
    : showProgress(() => {
        const { done, all } = sink.bytes();
        const ratio = all === undefined ? '' : ` of ${formatSize(all)}`;
        return `${outcomes.length} of ${targets.length} machines, ${formatSize(done)}${ratio}`;
      });
  try {
    await runEverywhere(
      targets,
      job,
      access.connector,
      {
        write: sink.write,
        async end(outcome) {
          const told = await sink.end(outcome);
          outcomes.push(told);
          log.add(told);
        },
      },
      { fanout: access.fanout, commandMs, signal: interrupt.signal },
    );
  } finally {
    progress?.end();
    await log.end();
    await access.close();
  }
  for (const line of summaryLines(outcomes, performance.now() - startedMs)) note(line);
  return { outcomes, bytes: sink.bytes().done };
}
