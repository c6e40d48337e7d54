import { expect } from 'chai';
import { countsOf, changesOf, statesSaid } from '../../../../src/lib/ssh/prompt/entries.ts';
import type { Key } from '../../../../src/lib/cli/keys.ts';
import type { MachineState } from '../../../../src/lib/ssh/prompt/pool.ts';
import {
  type Effect,
  firstState,
  KEPT_ENTRIES,
  nextState,
  type PromptEvent,
  type PromptState,
} from '../../../../src/lib/ssh/prompt/state.ts';

type Input = Key | PromptEvent | string;
const enter: Key = { key: 'enter' };
const stop: Key = { key: 'interrupt' };
const older: Key = { key: 'older' };
const newer: Key = { key: 'newer' };
const search: Key = { key: 'search' };
const started: PromptEvent = { event: 'started', command: 'uptime', total: 3, nowMs: 0 };

/** All inputs one after the other, and the effects that came of them. */
function play(state: PromptState, ...inputs: Input[]): { state: PromptState; effects: Effect[] } {
  const effects: Effect[] = [];
  for (const input of inputs) {
    const event: PromptEvent =
      typeof input === 'string'
        ? { event: 'key', key: { edit: 'insert', text: input } }
        : 'event' in input
          ? input
          : { event: 'key', key: input };
    const step = nextState(state, event);
    state = step.state;
    if (step.effect) effects.push(step.effect);
  }
  return { state, effects };
}

describe('the state of the prompt', () => {
  it('submits a line, and is empty again', () => {
    const { state, effects } = play(firstState([]), 'up', 'time', enter);
    expect(effects).to.deep.equal([{ do: 'submit', line: 'uptime' }]);
    expect(state.line.text).to.equal('');
    expect(state.recall.lines).to.deep.equal(['uptime']);
  });

  it('submits a second line after the first, however soon it comes', () => {
    const { state, effects } = play(firstState([]), 'a', enter, 'b', enter);
    expect(effects).to.deep.equal([{ do: 'submit', line: 'a' }]);
    const done: PromptEvent = { event: 'busy', isBusy: false };
    expect(play(state, done).effects).to.deep.equal([{ do: 'submit', line: 'b' }]);
  });

  it('submits nothing for an empty line', () => {
    expect(play(firstState([]), '  ', enter).effects).to.deep.equal([]);
  });

  it('submits what is typed ahead once the order before it is carried out', () => {
    const busy = (isBusy: boolean): PromptEvent => ({ event: 'busy', isBusy });
    const { state, effects } = play(firstState([]), busy(true), started, 'df', enter);
    expect(effects).to.deep.equal([]);
    expect(state.line.text).to.equal('df');
    const done: Input[] = [{ event: 'finished' }, busy(false)];
    expect(play(state, ...done).effects).to.deep.equal([{ do: 'submit', line: 'df' }]);
    expect(play(state, ...done).state.line.text).to.equal('');
    expect(play(state, ' -h', ...done).effects).to.deep.equal([]);
    expect(play(state, stop, ...done).effects).to.deep.equal([{ do: 'interrupt' }]);
  });

  it('goes through older lines and back to what was being typed', () => {
    const first = firstState(['one', 'two']);
    const lines = [
      [older],
      [older, older],
      [older, older, older],
      [older, older, newer],
      [older, newer, newer],
    ];
    expect(lines.map((keys) => play(first, 'draft', ...keys).state.line.text)).to.deep.equal([
      'two',
      'one',
      'one',
      'two',
      'draft',
    ]);
  });

  it('remembers a line twice in a row once, and none that begins with a space', () => {
    const inputs = ['a', 'a', ' secret', 'b'].flatMap((line): Input[] => [
      line,
      enter,
      { event: 'busy', isBusy: false },
    ]);
    const { state } = play(firstState([]), ...inputs);
    expect(state.recall.lines).to.deep.equal(['a', 'b']);
  });

  it('searches older lines', () => {
    const first = firstState(['df -h', 'uptime', 'df /', 'ls']);
    expect(play(first, search, 'd', 'f').state.line.text).to.equal('df /');
    expect(play(first, search, 'df', search).state.line.text).to.equal('df -h');
    expect(play(first, search, 'df', search, search).state.line.text).to.equal('df -h');
    expect(play(first, search, 'df', enter).effects).to.deep.equal([{ do: 'submit', line: 'df /' }]);
    const edited = play(first, search, 'df', { edit: 'end' }, ' x').state;
    expect(edited.line.text).to.equal('df / x');
    expect(edited.recall.search).to.equal(undefined);
  });

  it('clears the line with Ctrl-C, and leaves with two of them at an empty prompt', () => {
    expect(play(firstState([]), 'abc', stop).state.line.text).to.equal('');
    expect(play(firstState([]), stop).effects).to.deep.equal([]);
    expect(play(firstState([]), stop, stop).effects).to.deep.equal([{ do: 'leave' }]);
    expect(play(firstState([]), stop, 'x', stop, stop).effects.at(-1)).to.not.deep.equal({ do: 'leave' });
  });

  it('stops waiting with Ctrl-C while a command runs, and never leaves then', () => {
    const { effects } = play(firstState([]), started, stop, stop, stop);
    expect(effects).to.deep.equal(Array(3).fill({ do: 'interrupt' }));
  });

  it('leaves with Ctrl-D at an empty prompt only', () => {
    expect(play(firstState([]), { key: 'end-of-input' }).effects).to.deep.equal([{ do: 'leave' }]);
    const { state, effects } = play(firstState([]), 'ab', { edit: 'start' }, { key: 'end-of-input' });
    expect([state.line.text, effects]).to.deep.equal(['b', []]);
  });

  it('keeps no text of what is long on the terminal, but how much there was', () => {
    const entries = Array.from({ length: 3000 }, (_, i) => ({ is: 'output', text: `${i}` }) as const);
    const said: PromptEvent = { event: 'said', entries };
    const { state } = play(firstState([]), said, said, said, said);
    expect(state.entries).to.have.length(12_000);
    expect(state.entries.filter(({ text }) => text !== '')).to.have.length(KEPT_ENTRIES + 3000);
    expect(state.entries.slice(-KEPT_ENTRIES).every(({ text }) => text !== '')).to.equal(true);
  });

  it('takes a yes only for a yes', () => {
    const asked: PromptEvent = { event: 'asked', question: 'go on?' };
    const answers = (...keys: Input[]) => play(firstState([]), asked, ...keys).effects;
    expect(answers('y')).to.deep.equal([{ do: 'answer', yes: true }]);
    for (const key of ['n', enter, stop, { key: 'end-of-input' } as Key])
      expect(answers(key)).to.deep.equal([{ do: 'answer', yes: false }]);
    expect(answers('q', older, { edit: 'left' })).to.deep.equal([]);
  });
});

describe('what happened to machines', () => {
  const up: MachineState = { is: 'up' };
  const connecting: MachineState = { is: 'connecting' };
  const down = (reason: string): MachineState => ({ is: 'down', status: 'unreachable', reason });
  const map = (...states: MachineState[]) =>
    new Map(states.map((state, i) => [`pc${i + 1}`, state] as const));

  it('is said once of all to which the same happened', () => {
    const before = map(up, up, connecting, down('no answer'), down('no answer'), up, connecting);
    const after = map(
      down('it hung up'),
      down('it hung up'),
      down('no answer'),
      up,
      down('no answer'),
      up,
      up,
    );
    expect(changesOf(before, after)).to.deep.equal([
      { is: 'trouble', text: 'pc[1-2] (2) gone: it hung up' },
      { is: 'trouble', text: 'pc3 (1) down: no answer' },
      { is: 'note', text: 'pc4 (1) back' },
    ]);
  });

  it('is nothing when nothing did', () => {
    expect(changesOf(map(up, down('x')), map(up, down('x')))).to.deep.equal([]);
  });

  it('is counted, and listed by state', () => {
    const now = map(up, down('a\u001b[2Jb'), up, connecting);
    expect(countsOf(now)).to.equal('2 up, 1 connecting, 1 down');
    expect(statesSaid(now)).to.deep.equal([
      { is: 'note', text: 'pc[1,3] (2) up' },
      { is: 'trouble', text: 'pc2 (1) down: a?[2Jb' },
      { is: 'note', text: 'pc4 (1) connecting' },
    ]);
  });
});
