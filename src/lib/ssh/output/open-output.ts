import type { OutputNote } from '../runs.ts';
import type { Outcome, Sink, Stream } from '../protocol.ts';
import { gatherAnswers } from './answers.ts';
import { diskSink, spoolDiskSink } from './disk.ts';
import { fileSink } from './files.ts';
import { keepHeads } from './heads.ts';
import { prefixedSink } from './prefixed.ts';
import { type Progress, startProgress } from './progress.ts';
import { reportAnswers, reportDiffs } from './report.ts';
import { nodesOf } from './summary.ts';
import { teeSinks } from './tee.ts';
import { visible } from './visible.ts';
import { writerTo } from './writer.ts';

/** What the operator wants of the machines' output: lines as they come, unless one of these says otherwise. */
export interface OutputFlags {
  gather?: boolean | undefined;
  diff?: boolean | undefined;
  out?: string | undefined;
  json?: boolean | undefined;
}

export interface Output {
  sink: Sink;
  /** What a machine that has ended said, for the run's log. */
  noteOf(hostname: string): OutputNote;
  /** A word of ours while the run goes on; false where there is no line for it. */
  say(text: string): boolean;
  /** When all have ended: takes the progress line away, and shows what was gathered. */
  show(): Promise<void>;
  /** The outcomes for --json. */
  data(outcomes: readonly Outcome[]): Record<string, unknown>;
  close(): Promise<void>;
}

/**
 * @param fail told the first trouble of ours, such as a full disk
 * @throws ProloError for a folder that cannot be written to
 */
export async function openOutput(
  { gather, diff, out, json }: OutputFlags,
  hostnames: readonly string[],
  fail: (error: unknown) => void,
): Promise<Output> {
  const stdout = writerTo(process.stdout);
  const stderr = writerTo(process.stderr);
  const isLines = !gather && !diff && out === undefined && !json;
  const sinks: Sink[] = [];
  const counts = countBytes();
  const answers = gather || diff ? gatherAnswers() : undefined;
  const heads = json ? keepHeads() : undefined;
  if (answers) sinks.push(await spoolDiskSink(), answers.sink);
  if (heads) sinks.push(heads.sink);
  if (out !== undefined) sinks.push(await fileSink(out, hostnames), await diskSink(out));
  const isWatched = process.stderr.isTTY && !json;
  const progress: Progress | undefined = isWatched ? await startProgress(hostnames) : undefined;
  const writers: Record<Stream, (bytes: Buffer) => void | Promise<void>> = {
    stdout: progress && process.stdout.isTTY ? above(progress) : stdout.bytes,
    stderr: progress ? above(progress) : stderr.bytes,
  };
  if (isLines) sinks.push(prefixedSink((stream, bytes) => writers[stream](bytes)));
  sinks.push(counts.sink);
  if (progress) sinks.push({ write: () => undefined, end: progress.add });
  return {
    sink: teeSinks(sinks, fail),
    noteOf: (hostname) => ({ ...counts.of(hostname), ...answers?.digestsOf(hostname) }),
    say(text) {
      progress?.say(text);
      return progress !== undefined;
    },
    async show() {
      await progress?.stop();
      if (!answers || json) return;
      await (diff ? reportDiffs : reportAnswers)(answers.answers(), stdout);
    },
    data: (outcomes) =>
      answers && heads
        ? {
            answers: answers.answers().map(({ outcomes: same }) => {
              const { status, exitCode, signal } = same[0]!;
              const nodes = nodesOf(same).replace(/ \(\d+\)$/, '');
              return { nodes, count: same.length, status, exitCode, signal, ...heads.textOf(same[0]!) };
            }),
            outcomes,
          }
        : { outcomes: outcomes.map((outcome) => ({ ...outcome, ...heads?.textOf(outcome) })) },
    async close() {
      await progress?.stop();
      await answers?.close();
    },
  };
}

/** A terminal takes what it gets before it gets more. */
function above(progress: Progress): (bytes: Buffer) => void {
  return (bytes) => void progress.above(visible(bytes));
}

function countBytes(): { sink: Sink; of(hostname: string): OutputNote } {
  const counts = new Map<string, OutputNote>();
  const of = (hostname: string): OutputNote => {
    let own = counts.get(hostname);
    if (!own) counts.set(hostname, (own = { stdoutBytes: 0, stderrBytes: 0 }));
    return own;
  };
  const write = (hostname: string, stream: Stream, { length }: Buffer): void => {
    of(hostname)[`${stream}Bytes`] += length;
  };
  return { sink: { write, end: () => undefined }, of };
}
