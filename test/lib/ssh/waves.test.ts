import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { type Clock, planWaves, realClock, runWaves } from '../../../src/lib/ssh/waves.ts';
import { rejection } from '../../support/rejection.ts';

describe('planWaves', () => {
  const plan = (items: string, perGroup: number, waveMs: number) =>
    planWaves([...items], (item) => item.toLowerCase(), { perGroup, waveMs });

  it('starts so many of each group at once, and the next ones later', () => {
    expect(plan('aabaBAb', 2, 1000)).to.deep.equal([
      { atMs: 0, items: ['a', 'a', 'b', 'B'] },
      { atMs: 1000, items: ['a', 'A', 'b'] },
    ]);
  });

  it('needs no second wave where the first one has room', () => {
    expect(plan('abc', 1, 1000)).to.deep.equal([{ atMs: 0, items: ['a', 'b', 'c'] }]);
  });

  it('is one wave without a time between them', () => {
    expect(plan('aaaaa', 2, 0)).to.deep.equal([{ atMs: 0, items: [...'aaaaa'] }]);
  });

  it('has no waves of nothing', () => {
    expect(plan('', 2, 1000)).to.deep.equal([]);
  });

  it('has each item once, in order, and never more of a group in a wave than it may', () => {
    const items = fc.array(fc.record({ group: fc.integer({ min: 0, max: 5 }), id: fc.nat() }));
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 9 }), (all, perGroup) => {
        const waves = planWaves(all, ({ group }) => String(group), { perGroup, waveMs: 500 });
        expect(waves.map(({ atMs }) => atMs)).to.deep.equal(waves.map((_, n) => n * 500));
        for (const group of [0, 1, 2, 3, 4, 5]) {
          const of = (list: typeof all) => list.filter((item) => item.group === group);
          expect(waves.flatMap((wave) => of(wave.items))).to.deep.equal(of(all));
          for (const wave of waves) expect(of(wave.items).length).to.be.at.most(perGroup);
        }
        for (const wave of waves) {
          const places = wave.items.map((item) => all.indexOf(item));
          expect(places).to.deep.equal([...places].sort((a, b) => a - b));
        }
      }),
    );
  });

  it('plans 10,000 machines in a moment', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => i);
    const waves = planWaves(many, (i) => String(i % 3), { perGroup: 1, waveMs: 1 });
    expect(waves).to.have.length(3334);
  }).timeout(2000);
});

describe('runWaves', () => {
  const waves = [0, 10, 20, 30].map((atMs) => ({ atMs, items: [`at ${atMs}`] }));

  /** Time passes only while somebody sleeps. */
  function fakeClock(): Clock & { ms: number } {
    return {
      ms: 100,
      nowMs() {
        return this.ms;
      },
      async sleep(ms, signal) {
        await turn();
        if (!signal?.aborted) this.ms += ms;
      },
    };
  }

  it('starts each at its time, whether those before it have ended or not', async () => {
    const clock = fakeClock();
    const started: [string, number][] = [];
    let release = (): void => undefined;
    const all = new Promise<void>((resolve) => (release = resolve));
    const left = await runWaves(
      waves,
      ({ items }) => {
        started.push([items[0]!, clock.ms - 100]);
        if (started.length === 4) release();
        return all;
      },
      { clock },
    );
    expect(started).to.deep.equal(waves.map(({ atMs, items }) => [items[0], atMs]));
    expect(left).to.deep.equal([]);
  });

  it('does not wait longer because a start took its time', async () => {
    const clock = fakeClock();
    const started: number[] = [];
    await runWaves(
      waves,
      () => {
        started.push(clock.ms - 100);
        clock.ms += 15;
        return Promise.resolve();
      },
      { clock },
    );
    expect(started).to.deep.equal([0, 15, 30, 45]);
  });

  it('starts no more when told to stop, ends what has begun, and says what was not touched', async () => {
    const clock = fakeClock();
    const controller = new AbortController();
    const ended: string[] = [];
    const left = await runWaves(
      waves,
      async ({ items, atMs }) => {
        if (atMs === 10) controller.abort();
        await turn();
        await turn();
        ended.push(...items);
      },
      { clock, signal: controller.signal },
    );
    expect(ended).to.deep.equal(['at 0', 'at 10']);
    expect(left).to.deep.equal(['at 20', 'at 30']);
  });

  it('starts nothing when it was stopped before', async () => {
    const start = (): Promise<void> => Promise.reject(new Error('started'));
    const left = await runWaves(waves, start, { signal: AbortSignal.abort() });
    expect(left).to.deep.equal(['at 0', 'at 10', 'at 20', 'at 30']);
  });

  it('waits for the others when one throws, starts no more, and throws that', async () => {
    const clock = fakeClock();
    const ended: string[] = [];
    const start = async ({ items, atMs }: { items: string[]; atMs: number }): Promise<void> => {
      if (atMs === 10) throw new Error('broken');
      for (let i = 0; i < 10; i++) await turn();
      ended.push(...items);
    };
    expect((await rejection(runWaves(waves, start, { clock }))).message).to.equal('broken');
    expect(ended).to.deep.equal(['at 0']);
  });

  it('is woken from a long sleep by the signal', async () => {
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    await realClock.sleep(60_000, controller.signal);
  });
});
