import { createElement } from 'react';
import type { Answers, Facts } from './questions.ts';
import { firstState, type WizardState } from './state.ts';
import { createView } from './view.tsx';

/** Asks at a terminal. @returns undefined where the operator left */
export async function askAtTerminal(facts: Facts): Promise<Answers | undefined> {
  const ink = await import('ink');
  let last: WizardState | undefined;
  const first = firstState(facts);
  const app = ink.render(
    createElement(createView(ink), { first, onEnd: (state: WizardState) => void (last = state) }),
    { exitOnCtrlC: false, patchConsole: false },
  );
  await app.waitUntilExit();
  return last && !last.question && !last.isLeft ? last.answers : undefined;
}
