import { type Effect, nextState, type PromptEvent, type PromptState } from './state.ts';

/** The one place that holds the prompt's state. */
export interface PromptStore {
  get(): PromptState;
  dispatch(event: PromptEvent): void;
  /** @returns what ends it */
  subscribe(listener: () => void): () => void;
}

export function createStore(first: PromptState, perform: (effect: Effect) => void): PromptStore {
  let state = first;
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    dispatch(event) {
      const step = nextState(state, event);
      state = step.state;
      for (const listener of listeners) listener();
      if (step.effect) perform(step.effect);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
