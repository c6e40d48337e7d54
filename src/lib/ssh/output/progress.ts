import { foldNodeset } from '../../nodeset.ts';
import type { Outcome } from '../protocol.ts';
import { countsOf } from './summary.ts';

/** So few are named. */
const NAMED = 16;
const REFRESH_MS = 100;

/** One line on standard error that says how far a run is; for a terminal. */
export interface Progress {
  add(outcome: Outcome): void;
  /** Text for the same terminal, above the line. */
  above(bytes: Buffer): boolean;
  /** Puts a word of ours before it. */
  say(text: string): void;
  /** Takes it away. */
  stop(): Promise<void>;
}

/** `97 of 150 (95 ok, 2 failed), 3.1 s, waiting for pas-r03p[01-02]` */
export function progressText(hostnames: readonly string[], outcomes: readonly Outcome[], ms: number): string {
  const done = new Set(outcomes.map(({ hostname }) => hostname));
  const waiting = hostnames.filter((hostname) => !done.has(hostname));
  const counts = outcomes.length > 0 ? ` (${countsOf(outcomes)})` : '';
  const names = waiting.length <= NAMED && waiting.length > 0 ? `, waiting for ${foldNodeset(waiting)}` : '';
  return `${outcomes.length} of ${hostnames.length}${counts}, ${(ms / 1000).toFixed(1)} s${names}`;
}

/** @param about what comes first in the line, such as how much was copied */
export async function startProgress(
  hostnames: readonly string[],
  about: () => string = () => '',
): Promise<Progress> {
  const { DefaultRenderer, Listr, ListrLogger, ProcessOutput } = await import('listr2');
  const startedMs = performance.now();
  const outcomes: Outcome[] = [];
  let said = '';
  const text = (): string =>
    said + about() + progressText(hostnames, outcomes, performance.now() - startedMs);
  /** On standard error, whatever standard output is. */
  class StderrRenderer extends DefaultRenderer {
    static override nonTTY = true;
  }
  const processOutput = new ProcessOutput(process.stderr, process.stderr);
  const write = process.stderr.write.bind(process.stderr);
  const { promise: over, resolve: end } = withResolvers();
  const list = new Listr(
    [
      {
        title: text(),
        async task(_, task) {
          const timer = setInterval(() => (task.title = text()), REFRESH_MS);
          await over;
          clearInterval(timer);
        },
      },
    ],
    {
      registerSignalListeners: false,
      renderer: StderrRenderer,
      rendererOptions: {
        clearOutput: true,
        logger: new ListrLogger({ useIcons: true, toStderr: [], processOutput }),
      },
    },
  );
  const running = list.run();
  // It hides the cursor: when the process ends in the middle, it must come back.
  const onExit = (): void => void write('\u001b[?25h\n');
  process.once('exit', onExit);
  return {
    add: (outcome) => void outcomes.push(outcome),
    above(bytes) {
      const { updater } = (list as unknown as { renderer?: { updater?: { clear(): void } } }).renderer ?? {};
      updater?.clear();
      return write(bytes);
    },
    say: (words) => (said = `${words} `),
    async stop() {
      end();
      await running;
      process.off('exit', onExit);
    },
  };
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
