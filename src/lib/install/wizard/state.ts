import { editLine, EMPTY_LINE, type Line } from '../../cli/line.ts';
import type { Key } from '../../cli/keys.ts';
import { type Answers, type Facts, type Question, QUESTIONS } from './questions.ts';

/** Where the wizard is. */
export interface WizardState {
  facts: Facts;
  answers: Answers;
  /** Those that were answered, in their order. */
  asked: readonly Question[];
  /** undefined: all are answered. */
  question: Question | undefined;
  line: Line;
  /** Why the last answer was not taken. */
  wrong?: string;
  /** The operator has left. */
  isLeft?: boolean;
}

export function firstState(facts: Facts): WizardState {
  return { facts, answers: {}, asked: [], question: QUESTIONS[0], line: EMPTY_LINE };
}

/** Enter answers, or takes what is suggested; up goes back to the question before; Ctrl-C and Ctrl-D leave. */
export function nextState(state: WizardState, key: Key): WizardState {
  if (!state.question) return state;
  if ('edit' in key) return { ...without(state), line: editLine(state.line, key) };
  switch (key.key) {
    case 'enter':
      return answer(state, state.question);
    case 'older':
      return back(state);
    case 'interrupt':
    case 'end-of-input':
      return { ...state, isLeft: true };
    default:
      return state;
  }
}

export const suggestionOf = ({ question, answers, facts }: WizardState): string =>
  question?.suggest(answers, facts) ?? '';

function answer(state: WizardState, question: Question): WizardState {
  const { facts } = state;
  const text = state.line.text.trim() || suggestionOf(state);
  const wrong = question.refuse(text, state.answers, facts);
  if (wrong) return { ...state, wrong: `${text || 'nothing'}: ${wrong}` };
  const answers = { ...state.answers, [question.key]: text };
  const rest = QUESTIONS.slice(QUESTIONS.indexOf(question) + 1);
  const next = rest.find(({ isAsked }) => isAsked(answers, facts));
  return { facts, answers, asked: [...state.asked, question], question: next, line: EMPTY_LINE };
}

function back(state: WizardState): WizardState {
  const question = state.asked.at(-1);
  if (!question) return state;
  const answers = { ...state.answers };
  delete answers[question.key];
  return { facts: state.facts, answers, asked: state.asked.slice(0, -1), question, line: EMPTY_LINE };
}

function without({ wrong: _wrong, ...state }: WizardState): WizardState {
  return state;
}
