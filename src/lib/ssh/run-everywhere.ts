import { connect, type Connection, type Connector, outcomeOfEnd } from './connect.ts';
import { fanOut } from './fan-out.ts';
import type { Job, Outcome, Sink, Target } from './protocol.ts';
import { runCommand } from './run-command.ts';

/** How a run goes about it: the site's `ssh`, and what the operator said beside it. */
export interface RunOptions {
  fanout: number;
  commandMs: number;
  /** The operator waits no longer; what came is kept. */
  signal?: AbortSignal;
}

/** Runs one job at every machine, and hands the sink its output and how it ended. */
export async function runEverywhere(
  targets: readonly Target[],
  job: Job,
  connector: Connector,
  sink: Sink,
  { fanout, commandMs, signal }: RunOptions,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const limits = { commandMs, ...(signal ? { signal } : {}) };
  await fanOut(
    targets,
    async (target) => {
      const startedMs = performance.now();
      let connection: Connection | undefined;
      let outcome: Outcome;
      try {
        connection = await connect(target, connector, signal);
        outcome = await runCommand(connection, job, sink, limits);
      } catch (error) {
        outcome = outcomeOfEnd({ target }, error, Math.round(performance.now() - startedMs));
      }
      connection?.close();
      outcomes.push(outcome);
      await sink.end(outcome);
    },
    { atOnce: fanout },
  );
  return outcomes;
}
