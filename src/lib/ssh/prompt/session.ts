import type { MachineRecord } from '../../mdb/record.ts';
import { asProloError } from '../../errors.ts';
import { type Answer, gatherAnswers, type Gathered } from '../output/answers.ts';
import { reportAnswers } from '../output/report.ts';
import { summaryLines } from '../output/summary.ts';
import { spoolDiskSink } from '../output/disk.ts';
import { teeSinks } from '../output/tee.ts';
import type { Writer } from '../output/writer.ts';
import type { Outcome, Sink, Stream, Target } from '../protocol.ts';
import type { RunLog } from '../runs.ts';
import { changesOf, type Entry, statesSaid } from './entries.ts';
import type { MachineState, Pool } from './pool.ts';
import type { PromptEvent } from './state.ts';
import { HELP, type Order, parseOrder } from './words.ts';
import { writeAnswers } from './write-answers.ts';

/** Who shows what happens: a terminal, or plain lines. */
export interface Front {
  tell(event: PromptEvent): void;
  /** @returns whether to go on */
  ask(question: string): Promise<boolean>;
  /** Shows the answers that this reports to the writer. */
  show(report: (writer: Writer) => Promise<void>): Promise<void>;
}

export interface SessionOptions {
  pool: (onChange: () => void) => Pool;
  commandSeconds: number;
  choose(words: readonly string[]): Promise<MachineRecord[]>;
  targetOf(machine: MachineRecord): Target;
  questionFor(machines: readonly MachineRecord[]): string | undefined;
  startRun(command: string, hostnames: readonly string[]): Promise<RunLog>;
  front: Front;
}

/** Orders, one at a time, on one selection whose connections are kept. */
export interface Session {
  /** Without a question: that was asked before. */
  begin(machines: readonly MachineRecord[]): void;
  /** @returns false when it was the last one; undefined outcomes: nothing ran */
  submit(line: string): Promise<{ isLast: boolean; outcomes?: Outcome[] }>;
  /** Waits no longer for the command that runs. */
  interrupt(): void;
  /** Resolves when each machine was tried once. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** What happens to many machines at once is said at once. */
const CHANGES_MS = 200;

export function createSession({ front, ...options }: SessionOptions): Session {
  let machines: readonly MachineRecord[] = [];
  let commandMs = options.commandSeconds * 1000;
  let last: { gathered: Gathered; answers: Answer[] } | undefined;
  let stop: AbortController | undefined;
  let seen: ReadonlyMap<string, MachineState> = new Map();
  let timer: NodeJS.Timeout | undefined;

  const say = (...entries: Entry[]): void => {
    if (entries.length > 0) front.tell({ event: 'said', entries });
  };
  const tellChanges = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const now = new Map(pool.states);
    const changes = changesOf(seen, now);
    seen = now;
    front.tell({ event: 'machines', machines: now });
    say(...changes);
  };
  const pool = options.pool(() => (timer ??= setTimeout(tellChanges, CHANGES_MS)));

  const take = (chosen: readonly MachineRecord[]): void => {
    machines = chosen;
    const names = new Set(chosen.map(({ hostname }) => hostname));
    seen = new Map([...seen].filter(([hostname]) => names.has(hostname)));
    pool.select(chosen.map(options.targetOf));
    front.tell({ event: 'selected', hostnames: [...names] });
    tellChanges();
  };
  const select = async (what: 'select' | 'add' | 'drop', words: readonly string[]): Promise<void> => {
    const named = await options.choose(words);
    const before = new Set(machines.map(({ hostname }) => hostname));
    const theirs = new Set(named.map(({ hostname }) => hostname));
    const chosen =
      what === 'select'
        ? named
        : what === 'add'
          ? [...machines, ...named.filter(({ hostname }) => !before.has(hostname))]
          : machines.filter(({ hostname }) => !theirs.has(hostname));
    if (chosen.length === 0) return say({ is: 'trouble', text: 'no machine would be left: :quit leaves' });
    const question = what === 'drop' ? undefined : options.questionFor(chosen);
    if (question === undefined || (await front.ask(question))) take(chosen);
  };

  const run = async (command: string): Promise<Outcome[]> => {
    const startedMs = performance.now();
    const hostnames = machines.map(({ hostname }) => hostname);
    stop = new AbortController();
    const { signal } = stop;
    front.tell({ event: 'started', command, total: hostnames.length, nowMs: Date.now() });
    let log = await options
      .startRun(command, hostnames)
      .catch((error: unknown) =>
        say({ is: 'trouble', text: `no log of this is kept: ${(error as Error).message}` }),
      );
    const endLog = async (): Promise<void> => {
      await log?.end();
      log = undefined;
    };
    await last?.gathered.close();
    const gathered = gatherAnswers();
    last = { gathered, answers: [] };
    let done = 0;
    let progress: NodeJS.Timeout | undefined;
    let trouble: unknown;
    const bytes = new Map<string, Record<Stream, number>>();
    const counting: Sink = {
      write(hostname, stream, chunk) {
        const counts = bytes.get(hostname) ?? { stdout: 0, stderr: 0 };
        counts[stream] += chunk.length;
        bytes.set(hostname, counts);
      },
      end(outcome) {
        done++;
        progress ??= setTimeout(() => {
          progress = undefined;
          front.tell({ event: 'done', done });
        }, CHANGES_MS);
        const { stdout, stderr } = bytes.get(outcome.hostname) ?? { stdout: 0, stderr: 0 };
        const hashes = gathered.digestsOf(outcome.hostname);
        log?.add(outcome, { stdoutBytes: stdout, stderrBytes: stderr, ...hashes });
      },
    };
    const sink = teeSinks([await spoolDiskSink(), gathered.sink, counting], (error) => {
      trouble ??= error;
      stop?.abort();
    });
    try {
      const outcomes = await pool.run({ command }, sink, { commandMs, signal });
      last.answers = gathered.answers();
      tellChanges();
      await front.show((writer) => reportAnswers(last!.answers, writer));
      await endLog();
      say(...summary(outcomes, last.answers, performance.now() - startedMs));
      if (trouble) throw trouble;
      return outcomes;
    } finally {
      stop = undefined;
      clearTimeout(progress);
      await endLog();
      front.tell({ event: 'finished' });
    }
  };

  /** @returns outcomes, where something ran */
  const carryOut = async (order: Order): Promise<Outcome[] | undefined> => {
    switch (order.do) {
      case 'run':
        return run(order.command);
      case 'select':
      case 'add':
      case 'drop':
        await select(order.do, order.selection);
        return undefined;
      case 'machines':
        tellChanges();
        say(...statesSaid(pool.states));
        return undefined;
      case 'timeout':
        commandMs = order.seconds * 1000;
        say({
          is: 'note',
          text: order.seconds ? `commands may take ${order.seconds} s` : 'commands may take any time',
        });
        return undefined;
      case 'out':
        if (!last?.answers.length) say({ is: 'trouble', text: ':out: there are no answers yet' });
        else say({ is: 'note', text: await writeAnswers(order.file, last.answers) });
        return undefined;
      case 'help':
        say(...HELP.map(([word, text]): Entry => ({ is: 'note', text: `${word.padEnd(18)}  ${text}` })));
        return undefined;
      case 'nothing':
      case 'quit':
        return undefined;
    }
  };

  return {
    begin: take,
    settled: () => pool.settled().then(tellChanges),
    async submit(line) {
      front.tell({ event: 'busy', isBusy: true });
      try {
        const order = parseOrder(line);
        const outcomes = await carryOut(order);
        return { isLast: order.do === 'quit', ...(outcomes ? { outcomes } : {}) };
      } catch (error) {
        const { message, hint } = asProloError(error);
        say(...[message, ...(hint ? [`  ${hint}`] : [])].map((text): Entry => ({ is: 'trouble', text })));
        return { isLast: false };
      } finally {
        front.tell({ event: 'busy', isBusy: false });
      }
    },
    interrupt: () => stop?.abort(),
    async close() {
      clearTimeout(timer);
      stop?.abort();
      pool.close();
      await last?.gathered.close();
    },
  };
}

/** Who gave no answer, and why; then the counts. */
function summary(outcomes: readonly Outcome[], answers: readonly Answer[], ms: number): Entry[] {
  const answered = new Set(answers.flatMap((answer) => answer.outcomes));
  const silent = outcomes.filter((outcome) => !answered.has(outcome));
  return [
    ...summaryLines(silent, ms)
      .slice(0, -1)
      .map((text): Entry => ({ is: 'trouble', text })),
    { is: 'note', text: summaryLines(outcomes, ms).at(-1)! },
  ];
}
