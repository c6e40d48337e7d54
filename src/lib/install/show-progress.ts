import { printable } from '../cli/table.ts';
import { describeStep } from './describe.ts';
import type { Step } from './plan.ts';

/** Shows how far an installation is: on a terminal a line a recipe, which is at its step; else a line for each step. */
export interface Shown {
  onStep(step: Step): void;
  /** Ends it. @param failure why the recipe that was at work did not come to its end */
  stop(failure?: string): Promise<void>;
}

/** @param note prints a line */
export async function showProgress(
  steps: readonly Step[],
  note: (text: string) => void,
  onTerminal: boolean,
): Promise<Shown> {
  if (onTerminal) return listRecipes(steps);
  return { onStep: (step) => note(describeStep(step)), stop: () => Promise.resolve() };
}

/** `nginx 2/5: + /etc/nginx/sites-enabled/prolo` */
export function stepText(steps: readonly Step[], step: Step): string {
  const own = steps.filter(({ recipe }) => recipe === step.recipe);
  return printable(`${step.recipe} ${own.indexOf(step) + 1}/${own.length}: ${describeStep(step)}`);
}

interface Line {
  begin: (step: Step) => void;
  end: (failure?: string) => void;
}

async function listRecipes(steps: readonly Step[]): Promise<Shown> {
  const { DefaultRenderer, Listr, ListrLogger, ProcessOutput } = await import('listr2');
  /** On standard error, whatever standard output is. */
  class StderrRenderer extends DefaultRenderer {
    static override nonTTY = true;
  }
  const lines = new Map<string, Line>();
  const taskOf = (recipe: string) => {
    let [isBegun, title]: [boolean, (text: string) => void] = [false, () => undefined];
    let end: Line['end'] = () => undefined;
    const ended = new Promise<string | undefined>((resolve) => (end = resolve));
    lines.set(recipe, {
      begin(step) {
        isBegun = true;
        title(stepText(steps, step));
      },
      end,
    });
    return {
      title: recipe,
      async task(_: unknown, self: { title: string | undefined; skip(): void }) {
        title = (text) => void (self.title = text);
        const failure = await ended;
        if (!isBegun) return self.skip();
        self.title = failure === undefined ? recipe : printable(`${recipe}: ${failure}`);
        if (failure !== undefined) throw new Error(self.title);
      },
    };
  };
  const list = new Listr([...new Set(steps.map(({ recipe }) => recipe))].map(taskOf), {
    // Which of them is at work the installation says.
    concurrent: true,
    exitOnError: false,
    registerSignalListeners: false,
    renderer: StderrRenderer,
    rendererOptions: {
      collapseErrors: false,
      collapseSkips: false,
      logger: new ListrLogger({
        useIcons: true,
        toStderr: [],
        processOutput: new ProcessOutput(process.stderr, process.stderr),
      }),
    },
  });
  const running = list.run();
  // It hides the cursor: when the process ends in the middle, it must come back.
  const onExit = (): void => void process.stderr.write('\u001b[?25h\n');
  process.once('exit', onExit);
  let now: string | undefined;
  return {
    onStep(step) {
      if (now !== undefined && now !== step.recipe) lines.get(now)?.end();
      now = step.recipe;
      lines.get(now)?.begin(step);
    },
    async stop(failure) {
      if (now !== undefined) lines.get(now)?.end(failure);
      for (const { end } of lines.values()) end();
      await running.catch(() => undefined);
      process.off('exit', onExit);
    },
  };
}
