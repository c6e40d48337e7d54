import { printable } from '../cli/table.ts';
import type { PublishOptions } from './publish.ts';
import type { Progress } from './rsync-progress.ts';
import { megabytes } from './space.ts';

/** Shows how far a version is: on a terminal a line for its making and one a server, else a line for each step. */
export interface Steps extends Required<Pick<PublishOptions, 'onServers' | 'onStep' | 'onProgress'>> {
  /** Ends it, whatever came of it. */
  stop(): Promise<void>;
}

/** `rhfs01: copying, 45 %, 128 MB, 3 s left` */
function stepText(where: string, what: string, progress?: Progress): string {
  const far =
    progress === undefined
      ? []
      : [
          `${Math.round(progress.part * 100)} %`,
          megabytes(progress.bytes),
          ...(progress.secondsLeft === undefined ? [] : [`${progress.secondsLeft} s left`]),
        ];
  return printable(`${where}: ${[what, ...far].join(', ')}`);
}

/** @param note prints a line */
export async function showSteps(note: (text: string) => void, onTerminal: boolean): Promise<Steps> {
  if (onTerminal) return listSteps();
  return {
    onServers: () => undefined,
    onStep: (where, what) => note(stepText(where, what)),
    onProgress: () => undefined,
    stop: () => Promise.resolve(),
  };
}

interface Line {
  what: string;
  progress?: Progress;
  changed: () => void;
  end: () => void;
  ended: Promise<void>;
}

async function listSteps(): Promise<Steps> {
  const { DefaultRenderer, Listr, ListrLogger, ProcessOutput } = await import('listr2');
  /** On standard error, whatever standard output is. */
  class StderrRenderer extends DefaultRenderer {
    static override nonTTY = true;
  }
  const lines = new Map<string, Line>();
  const line = (where: string): Line => {
    let known = lines.get(where);
    if (!known) {
      let end = (): void => undefined;
      const ended = new Promise<void>((resolve) => (end = resolve));
      known = { what: 'waits', changed: () => undefined, end, ended };
      lines.set(where, known);
    }
    return known;
  };
  const task = (where: string) => ({
    title: stepText(where, line(where).what),
    async task(_: unknown, shown: { title: string | undefined }) {
      const one = line(where);
      one.changed = () => void (shown.title = stepText(where, one.what, one.progress));
      one.changed();
      await one.ended;
      if (one.what.startsWith(FAILED)) throw new Error(stepText(where, one.what));
    },
  });
  let tellServers = (_: readonly string[]): void => undefined;
  const servers = new Promise<readonly string[]>((resolve) => (tellServers = resolve));
  const write = process.stderr.write.bind(process.stderr);
  const list = new Listr(
    [
      task(MAKING),
      {
        title: 'servers',
        task: async (_: unknown, self) =>
          self.newListr((await servers).map(task), { concurrent: true, exitOnError: false }),
      },
    ],
    {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      renderer: StderrRenderer,
      rendererOptions: {
        collapseErrors: false,
        logger: new ListrLogger({
          useIcons: true,
          toStderr: [],
          processOutput: new ProcessOutput(process.stderr, process.stderr),
        }),
      },
    },
  );
  const running = list.run();
  // It hides the cursor: when the process ends in the middle, it must come back.
  const onExit = (): void => void write('\u001b[?25h\n');
  process.once('exit', onExit);
  return {
    onServers(hostnames) {
      line(MAKING).end();
      tellServers(hostnames);
    },
    onStep(where, what) {
      const one = line(where);
      one.what = what;
      delete one.progress;
      one.changed();
      if (what === DONE || what.startsWith(FAILED)) one.end();
    },
    onProgress(where, progress) {
      const one = line(where);
      one.progress = progress;
      one.changed();
    },
    async stop() {
      tellServers([]);
      for (const { end } of lines.values()) end();
      await running.catch(() => undefined);
      process.off('exit', onExit);
    },
  };
}

/** Whose steps come before those of servers. */
const MAKING = 'staging';
const DONE = 'has it';
const FAILED = 'failed:';
