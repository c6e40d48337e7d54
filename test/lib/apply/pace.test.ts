import { expect } from 'chai';
import fc from 'fast-check';
import { initialPace, nextDue, type Pace, RELOAD_PACE, stepPace } from '../../../src/lib/apply/pace.ts';

interface Run {
  start: number;
  end: number;
}

/** Plays changes against a pace, as the applier would: each reload takes `takesMs` and fails when `fails` says so. */
function play(
  changes: readonly number[],
  pace: Pace,
  takesMs: (run: number) => number,
  fails: (run: number) => boolean = () => false,
): Run[] {
  const queue = [...changes].sort((a, b) => a - b);
  const runs: Run[] = [];
  let state = initialPace;
  while (runs.length < 10_000) {
    const current = state.running ? runs.at(-1)! : undefined;
    const due = current?.end ?? nextDue(state, pace);
    const change = queue[0];
    if (change !== undefined && (due === undefined || change <= due)) {
      queue.shift();
      state = stepPace(state, { type: 'changed', at: change }, pace);
    } else if (current) {
      const failed = fails(runs.length - 1);
      const at = current.end;
      state = stepPace(state, failed ? { type: 'failed', at, again: true } : { type: 'succeeded', at }, pace);
    } else if (due !== undefined) {
      state = stepPace(state, { type: 'started', at: due }, pace);
      runs.push({ start: due, end: due + takesMs(runs.length) });
    } else return runs;
  }
  throw new Error('it never comes to rest');
}

const duration = fc.integer({ min: 0, max: 400 });
/** Runs' lengths, repeated for ever. */
const durations = fc.array(duration, { minLength: 1, maxLength: 8 });
const cycle =
  (values: readonly number[]) =>
  (run: number): number =>
    values[run % values.length]!;

describe('the pace of reloads', () => {
  it('applies a single change within 25 ms', () => {
    const [run, ...more] = play([1000], RELOAD_PACE, () => 30);
    expect(run!.start - 1000).to.be.at.most(25);
    expect(more).to.deep.equal([]);
  });

  it('does the same for one after another, as fast as a person or a script in a loop adds them', () => {
    const changes = Array.from({ length: 100 }, (_, i) => i * 200);
    const runs = play(changes, RELOAD_PACE, () => 40);
    expect(runs).to.have.length(100);
    for (const [i, run] of runs.entries()) expect(run.start - changes[i]!).to.be.at.most(25);
  });

  it('turns 1,000 changes spread evenly over a second into at most 3 reloads', () => {
    fc.assert(
      fc.property(durations, (takes) => {
        const changes = Array.from({ length: 1000 }, (_, i) => i);
        expect(play(changes, RELOAD_PACE, cycle(takes)).length).to.be.at.most(3);
      }),
    );
  });

  it('turns 1,000 changes that come in bursts within a second into at most 3 reloads', () => {
    const burst = fc.record({
      at: fc.integer({ min: 0, max: 1000 }),
      size: fc.integer({ min: 20, max: 1000 }),
    });
    fc.assert(
      fc.property(fc.array(burst, { minLength: 1, maxLength: 50 }), durations, (bursts, takes) => {
        const changes = bursts.flatMap(({ at, size }) => Array<number>(size).fill(at)).slice(0, 1000);
        expect(play(changes, RELOAD_PACE, cycle(takes)).length).to.be.at.most(3);
      }),
    );
  });

  it('covers every change by a reload that begins at or after it, whatever comes and fails', () => {
    const changes = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 300 });
    const failures = fc.array(fc.boolean(), { maxLength: 20 });
    fc.assert(
      fc.property(changes, durations, failures, (at, takes, fails) => {
        const failed = (run: number): boolean => fails[run] ?? false;
        const runs = play(at, RELOAD_PACE, cycle(takes), failed);
        expect(failed(runs.length - 1)).to.equal(false);
        expect(runs.at(-1)!.start).to.be.at.least(Math.max(...at));
        for (const [i, run] of runs.slice(1).entries()) expect(run.start).to.be.at.least(runs[i]!.end);
      }),
    );
  });

  it('never restarts twice within 5 s a server that cannot reload', () => {
    const changes = fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 1, maxLength: 1000 });
    const pace = { ...RELOAD_PACE, minRestartMs: 5000 };
    fc.assert(
      fc.property(changes, durations, fc.array(fc.boolean(), { maxLength: 20 }), (at, takes, fails) => {
        const runs = play(at, pace, cycle(takes), (run) => fails[run] ?? false);
        for (const [i, run] of runs.slice(1).entries()) expect(run.start - runs[i]!.end).to.be.at.least(5000);
        expect(runs[0]!.start).to.equal(Math.min(...at) + pace.settleMs);
      }),
    );
  });

  it('tries again after 0.5 s, 1 s, 2 s … 10 s, and at once when something new comes', () => {
    const runs = play(
      [0, 40_000],
      RELOAD_PACE,
      () => 0,
      (run) => run < 9,
    );
    const waits = runs.slice(1).map((run, i) => run.start - runs[i]!.end);
    expect(waits.slice(0, 7)).to.deep.equal([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    expect(runs.some(({ start }) => start === 40_010)).to.equal(true);
  });

  it('leaves what was refused until the next change', () => {
    const refused = [
      { type: 'changed', at: 0 },
      { type: 'started', at: 10 },
      { type: 'failed', at: 20, again: false },
    ] as const;
    const state = refused.reduce((at, event) => stepPace(at, event, RELOAD_PACE), initialPace);
    expect(nextDue(state, RELOAD_PACE)).to.equal(undefined);
    expect(nextDue(stepPace(state, { type: 'changed', at: 500 }, RELOAD_PACE), RELOAD_PACE)).to.equal(510);
  });
});
