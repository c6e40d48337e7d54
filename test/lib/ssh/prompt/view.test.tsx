import { expect } from 'chai';
import * as ink from 'ink';
import { cleanup, render } from 'ink-testing-library';
import { firstState, type Effect, type PromptEvent } from '../../../../src/lib/ssh/prompt/state.ts';
import { createStore, type PromptStore } from '../../../../src/lib/ssh/prompt/store.ts';
import { createView } from '../../../../src/lib/ssh/prompt/view.tsx';

const View = createView(ink);

/** What React and Ink do of themselves, they do soon. */
const soon = () => new Promise<void>((resolve) => setTimeout(resolve, 20));

describe('the prompt on a terminal', () => {
  let effects: Effect[];
  let store: PromptStore;
  let app: ReturnType<typeof render>;
  beforeEach(async () => {
    effects = [];
    store = createStore(firstState(['uptime']), (effect) => effects.push(effect));
    app = render(<View store={store} />);
    await tell({ event: 'selected', hostnames: ['pas-r01p01', 'pas-r01p02', 'pas-r02p01', 'pas-r02p02'] });
  });
  afterEach(cleanup);
  const tell = async (...events: PromptEvent[]) => {
    for (const event of events) store.dispatch(event);
    await soon();
  };
  const press = async (...keys: string[]) => {
    for (const key of keys) {
      app.stdin.write(key);
      await soon();
    }
  };
  const shown = () => app.lastFrame()!.replace(/\u001b\[[\d;]*m/g, '');

  it('names the selection, and how many it has', () => {
    expect(shown()).to.match(/^pas-r\[01-02\]p\[01-02\] \(4\) >/m);
  });

  it('edits the line with the keys of readline', async () => {
    await press('tme', '\u001b[D', '\u001b[D', 'i', '\u0001', 'up', '\u001b[F', ' -p', '\u0017', '\u007f');
    expect(shown()).to.match(/> uptime$/m);
    await press('\r');
    expect(effects).to.deep.equal([{ do: 'submit', line: 'uptime' }]);
  });

  it('recalls and searches older lines', async () => {
    await press('\u001b[A');
    expect(shown()).to.match(/> uptime$/m);
    await press('\u001b[B', '\u0012', 'pt');
    expect(shown())
      .to.match(/search: pt/)
      .and.to.match(/> uptime$/m);
  });

  it('says how far a command is', async () => {
    await tell(
      {
        event: 'machines',
        machines: new Map([
          ['a', { is: 'up' }],
          ['b', { is: 'connecting' }],
        ]),
      },
      { event: 'started', command: 'sleep 5', total: 4, nowMs: Date.now() },
      { event: 'done', done: 3 },
    );
    expect(shown()).to.match(/1 up, 1 connecting · 3 of 4 done, 0 s: sleep 5/);
    await press('\u0003');
    expect(effects).to.deep.equal([{ do: 'interrupt' }]);
  });

  it('has answers above, each once', async () => {
    await tell({
      event: 'said',
      entries: [
        { is: 'title', text: '== a (1)' },
        { is: 'output', text: ' x  y' },
      ],
    });
    await tell({ event: 'said', entries: [{ is: 'trouble', text: 'b (1) gone: \u001b[2J' }] });
    const lines = shown().split('\n');
    expect(lines.slice(0, 3)).to.deep.equal(['== a (1)', ' x  y', 'b (1) gone: ?[2J']);
    expect(lines.filter((line) => line === '== a (1)')).to.have.length(1);
  });

  it('asks in place of the line', async () => {
    await press('half a line');
    await tell({ event: 'asked', question: '94 of contestants: go on?' });
    expect(shown()).to.match(/^94 of contestants: go on\? \[y\/N\]/m);
    await press('y');
    expect(effects).to.deep.equal([{ do: 'answer', yes: true }]);
    expect(shown())
      .to.match(/go on\? yes/)
      .and.to.match(/> half a line$/m);
  });

  it('keeps to its two lines, however long the line and the selection are', async () => {
    const many = Array.from({ length: 300 }, (_, i) => `${i % 2 ? 'pc' : 'server'}-${i * 7}`);
    await tell({ event: 'selected', hostnames: many });
    await press('x'.repeat(300), 'END');
    const lines = shown().split('\n');
    expect(lines).to.have.length(2);
    expect(lines[1]).to.match(/\(300\) > x+END$/);
  });

  it('is gone when the operator has left', async () => {
    await press('\u0003');
    expect(shown()).to.match(/Ctrl-C once more leaves/);
    await press('\u0003');
    expect(effects).to.deep.equal([{ do: 'leave' }]);
    await tell({ event: 'said', entries: [{ is: 'note', text: 'bye' }] }, { event: 'over' });
    // Where CI is set, Ink writes what stays apart from the last frame.
    expect(app.frames.join('')).to.contain('bye');
    expect(shown()).not.to.contain('>');
  });
});
