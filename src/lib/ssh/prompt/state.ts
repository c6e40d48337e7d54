import type { Entry } from './entries.ts';
import type { Key } from '../../cli/keys.ts';
import { editLine, EMPTY_LINE, type Line } from '../../cli/line.ts';
import type { MachineState } from './pool.ts';
import { find, newer, older, type Recall, recallOf, remember } from './recall.ts';

/** A command that has not ended everywhere. */
export interface Running {
  command: string;
  startedMs: number;
  total: number;
  done: number;
}

/** All that the prompt shows. */
export interface PromptState {
  /** The selection. */
  hostnames: readonly string[];
  machines: ReadonlyMap<string, MachineState>;
  line: Line;
  recall: Recall;
  /** What was said so far, oldest first: as many as there were, but what is long on the terminal is kept no more. */
  entries: readonly Entry[];
  running?: Running;
  /** Something that is answered with y or n. */
  question?: string;
  /** An order is being carried out, such as a selection. */
  isBusy: boolean;
  /** Enter came before the last order was carried out: the line is submitted then. */
  isAhead: boolean;
  /** Ctrl-C at an empty prompt: another one leaves. */
  isLeaving: boolean;
  /** The operator has left: what was said stays on the terminal, the prompt does not. */
  isOver: boolean;
}

export type PromptEvent =
  | { event: 'key'; key: Key }
  | { event: 'selected'; hostnames: readonly string[] }
  | { event: 'machines'; machines: ReadonlyMap<string, MachineState> }
  | { event: 'busy'; isBusy: boolean }
  | { event: 'started'; command: string; total: number; nowMs: number }
  | { event: 'done'; done: number }
  | { event: 'finished' }
  | { event: 'over' }
  | { event: 'asked'; question: string }
  | { event: 'said'; entries: readonly Entry[] };

/** What the one who holds the state does now. */
export type Effect =
  { do: 'submit'; line: string } | { do: 'interrupt' } | { do: 'answer'; yes: boolean } | { do: 'leave' };

export interface Step {
  state: PromptState;
  effect?: Effect;
}

export function firstState(history: readonly string[]): PromptState {
  return {
    hostnames: [],
    machines: new Map(),
    line: EMPTY_LINE,
    recall: recallOf(history),
    entries: [],
    isBusy: false,
    isAhead: false,
    isLeaving: false,
    isOver: false,
  };
}

export function nextState(state: PromptState, event: PromptEvent): Step {
  switch (event.event) {
    case 'key':
      return onKey(state, event.key);
    case 'selected':
      return { state: { ...state, hostnames: event.hostnames } };
    case 'machines':
      return { state: { ...state, machines: event.machines } };
    case 'busy':
      return state.isAhead && !event.isBusy
        ? onEnter({ ...state, isBusy: false })
        : { state: { ...state, isBusy: event.isBusy } };
    case 'started': {
      const { command, total, nowMs } = event;
      return { state: { ...state, running: { command, startedMs: nowMs, total, done: 0 } } };
    }
    case 'done':
      return state.running
        ? { state: { ...state, running: { ...state.running, done: event.done } } }
        : { state };
    case 'finished': {
      const { running: _, ...rest } = state;
      return { state: rest };
    }
    case 'over':
      return { state: { ...state, isOver: true } };
    case 'asked':
      return { state: { ...state, question: event.question } };
    case 'said':
      return { state: say(state, event.entries) };
  }
}

/** Ink's <Static> counts what it has drawn: entries are emptied, none is taken away. */
const DRAWN: Entry = { is: 'note', text: '' };
/** Far more than come between two drawings. */
export const KEPT_ENTRIES = 5000;

function say(state: PromptState, entries: readonly Entry[]): PromptState {
  const before = state.entries.slice();
  for (let i = before.length - KEPT_ENTRIES; i > 0 && before[i - 1] !== DRAWN; i--) before[i - 1] = DRAWN;
  return { ...state, entries: [...before, ...entries] };
}

function onKey(before: PromptState, key: Key): Step {
  if (before.question !== undefined) return onAnswer(before, before.question, key);
  const { isLeaving } = before;
  const state = { ...before, isLeaving: false, isAhead: false };
  if ('edit' in key)
    return state.recall.search === undefined
      ? { state: { ...state, line: editLine(state.line, key) } }
      : onSearch(state, state.recall.search, key);
  const { search: _, ...recall } = state.recall;
  switch (key.key) {
    case 'enter':
      return onEnter({ ...state, recall });
    case 'interrupt':
      if (recall.back > 0 || state.line.text)
        return {
          state: { ...state, recall: recallOf(recall.lines), line: EMPTY_LINE },
          effect: { do: 'interrupt' },
        };
      if (state.running || state.isBusy) return { state, effect: { do: 'interrupt' } };
      return isLeaving ? { state, effect: { do: 'leave' } } : { state: { ...state, isLeaving: true } };
    case 'end-of-input':
      return state.line.text
        ? { state: { ...state, line: editLine(state.line, { edit: 'erase-next' }) } }
        : { state, effect: { do: 'leave' } };
    case 'older':
      return { state: { ...state, ...older(recall, state.line) } };
    case 'newer':
      return { state: { ...state, ...newer(recall, state.line) } };
    case 'search':
      return onSearch(state, state.recall.search ?? '', key);
    case 'escape':
      return { state: { ...state, recall } };
  }
}

function onEnter(state: PromptState): Step {
  const { text } = state.line;
  if (state.running || state.isBusy) return { state: { ...state, isAhead: true } };
  const next = { ...state, isAhead: false, line: EMPTY_LINE, recall: remember(state.recall, text) };
  // Busy from here on, not only once the session has taken the line: a second one must not pass it on the way.
  return text.trim()
    ? { state: { ...next, isBusy: true }, effect: { do: 'submit', line: text } }
    : { state: next };
}

function onAnswer(state: PromptState, asked: string, key: Key): Step {
  const { question: _, ...rest } = state;
  const answer = (yes: boolean): Step => ({
    state: say(rest, [{ is: 'note', text: `${asked} ${yes ? 'yes' : 'no'}` }]),
    effect: { do: 'answer', yes },
  });
  if ('edit' in key && key.edit !== 'insert') return { state };
  if ('edit' in key) return /^[yn]/i.test(key.text) ? answer(/^y/i.test(key.text)) : { state };
  return ['older', 'newer', 'search'].includes(key.key) ? { state } : answer(false);
}

/** Another character looks for more, Ctrl-R again for an older line; whatever else ends the search with the line found. */
function onSearch(state: PromptState, text: string, key: Key): Step {
  if ('edit' in key && key.edit !== 'insert' && key.edit !== 'erase') {
    const { search: _, ...recall } = state.recall;
    return { state: { ...state, recall, line: editLine(state.line, key) } };
  }
  const search = 'edit' in key ? (key.edit === 'insert' ? text + key.text : text.slice(0, -1)) : text;
  const isAgain = !('edit' in key) && state.recall.search !== undefined;
  const at = search ? find(state.recall, search, isAgain ? state.recall.back : 0) : undefined;
  const draft = state.recall.back === 0 ? state.line.text : state.recall.draft;
  const recall = { ...state.recall, search, draft, back: at ?? state.recall.back };
  return at === undefined
    ? { state: { ...state, recall } }
    : {
        state: {
          ...state,
          recall,
          line: { text: recall.lines.at(-at)!, cursor: recall.lines.at(-at)!.length },
        },
      };
}
