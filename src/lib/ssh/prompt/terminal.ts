import { createElement } from 'react';
import { countedNames } from './entries.ts';
import { collectEntries } from './collect.ts';
import type { Front, Session } from './session.ts';
import { firstState } from './state.ts';
import { createStore } from './store.ts';
import { createView } from './view.tsx';

/** The prompt at a terminal, until the operator leaves. */
export async function runAtTerminal(
  begin: (front: Front) => Session,
  history: readonly string[],
  keep: (line: string) => Promise<void>,
): Promise<void> {
  const ink = await import('ink');
  let answer: (yes: boolean) => void = () => undefined;
  const submit = async (line: string): Promise<void> => {
    const text = `${countedNames(store.get().hostnames)} > ${line}`;
    store.dispatch({ event: 'said', entries: [{ is: 'command', text }] });
    await keep(line).catch((error: unknown) => {
      const text = `the history is not kept: ${(error as Error).message}`;
      store.dispatch({ event: 'said', entries: [{ is: 'trouble', text }] });
    });
    if ((await session.submit(line)).isLast) leave();
  };
  const leave = (): void => store.dispatch({ event: 'over' });
  const store = createStore(firstState(history), (effect) => {
    if (effect.do === 'interrupt') session.interrupt();
    else if (effect.do === 'answer') answer(effect.yes);
    else if (effect.do === 'leave') leave();
    else void submit(effect.line);
  });
  const session = begin({
    tell: store.dispatch,
    ask(question) {
      store.dispatch({ event: 'asked', question });
      return new Promise((resolve) => (answer = resolve));
    },
    async show(report) {
      const { writer, entries } = collectEntries();
      await report(writer);
      store.dispatch({ event: 'said', entries: entries() });
    },
  });
  const app = ink.render(createElement(createView(ink), { store }), {
    exitOnCtrlC: false,
    patchConsole: false,
  });
  try {
    await app.waitUntilExit();
  } finally {
    await session.close();
  }
}
