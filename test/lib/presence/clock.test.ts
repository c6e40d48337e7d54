import { expect } from 'chai';
import { createListeningClock } from '../../../src/lib/presence/listening-clock.ts';
import { createRefusalLog } from '../../../src/lib/presence/refusal-log.ts';

describe('the time that presence counts', () => {
  it('goes on as long as it is looked at, and stands still while the process does', () => {
    let monotonicMs = 5_000;
    const clock = createListeningClock(100, () => monotonicMs);
    for (let i = 0; i < 10; i++) {
      monotonicMs += 100;
      clock.tick();
    }
    expect(clock.nowMs()).to.equal(1000);
    monotonicMs += 50;
    expect(clock.nowMs()).to.equal(1050);
    monotonicMs += 60_000;
    expect(clock.nowMs(), 'stopped for a minute').to.equal(1200);
    clock.tick();
    monotonicMs += 10;
    expect(clock.nowMs()).to.equal(1210);
  });
});

describe('refusals in the audit', () => {
  it('writes the first of a kind, counts the others, and tells their number once', () => {
    const log = createRefusalLog<string>(1000);
    const taken = [0, 10, 20].map((nowMs) => log.take('m1', 'busy', `at ${nowMs}`, nowMs));
    expect(taken).to.deep.equal([true, false, false]);
    expect(log.take('m2', 'busy', 'another seat', 20)).to.equal(true);
    expect(log.due(999)).to.deep.equal([]);
    expect(log.due(1000)).to.deep.equal([{ entry: 'at 20', count: 2 }]);
    expect(log.due(5000)).to.deep.equal([]);
    expect(log.take('m1', 'busy', 'later', 5000)).to.equal(true);
  });

  it('a seat that finds ever new reasons is counted too', () => {
    const log = createRefusalLog<number>(1000, 3);
    const taken = Array.from({ length: 100 }, (_, i) => log.take('m1', `reason ${i}`, i, 0));
    expect(taken.filter(Boolean)).to.have.length(4);
    expect(log.due(1000)).to.deep.equal([{ entry: 99, count: 96 }]);
  });
});
