import { expect } from 'chai';
import {
  type ContestMode,
  NEVER,
  nextChangeMs,
  phaseAt,
  startMode,
  steadyTime,
  stopMode,
} from '../../../src/lib/contest/mode.ts';

const TEN = Date.parse('2026-05-01T10:00:00Z');
const at = (seconds: number): string => new Date(TEN + seconds * 1000).toISOString();
const wish = (seconds: number, when?: number) => ({
  now: new Date(TEN + seconds * 1000),
  by: 'root@gw',
  ...(when === undefined ? {} : { at: at(when) }),
});
const phase = (mode: ContestMode, seconds: number) => phaseAt(mode, TEN + seconds * 1000);

describe('contest mode', () => {
  it('has never been on where there is no row', () => {
    expect(phase(NEVER, 0)).to.equal('off');
    expect(nextChangeMs(NEVER, TEN)).to.equal(undefined);
  });

  it('started and stopped at once is so at once, also for whose clock is slow', () => {
    const on = startMode(NEVER, wish(0));
    expect(on).to.include({ epoch: 1, starts_at: at(0), ends_at: null, changed_by: 'root@gw' });
    expect([phase(on, -3600), phase(on, 0), phase(on, 3600)]).to.deep.equal(['on', 'on', 'on']);
    const off = stopMode(on, wish(60));
    expect(off.epoch).to.equal(2);
    expect([phase(off, -3600), phase(off, 60)]).to.deep.equal(['off', 'off']);
  });

  it('that is to start later waits, by the clock of whoever asks', () => {
    const mode = startMode(NEVER, wish(0, 100));
    expect([phase(mode, 0), phase(mode, 99), phase(mode, 100)]).to.deep.equal(['waiting', 'waiting', 'on']);
    expect(nextChangeMs(mode, TEN)).to.equal(TEN + 100_000);
    expect(nextChangeMs(mode, TEN + 100_000)).to.equal(undefined);
  });

  it('has its end written before its beginning', () => {
    const mode = stopMode(startMode(NEVER, wish(0, 100)), wish(1, 200));
    expect([phase(mode, 2), phase(mode, 150), phase(mode, 200)]).to.deep.equal(['waiting', 'on', 'off']);
    expect(nextChangeMs(mode, TEN + 150_000)).to.equal(TEN + 200_000);
  });

  it('that waits is called off by a stop, and put off by another start', () => {
    const waits = startMode(NEVER, wish(0, 100));
    expect(phase(stopMode(waits, wish(1)), 150)).to.equal('off');
    expect(startMode(waits, wish(1, 300))).to.include({ epoch: 2, starts_at: at(300) });
    expect(startMode(waits, wish(1))).to.include({ starts_at: at(1) });
  });

  it('with an end goes on without one when it is started again', () => {
    const ends = stopMode(startMode(NEVER, wish(0)), wish(1, 200));
    expect(startMode(ends, wish(2))).to.include({ starts_at: at(0), ends_at: null, epoch: 3 });
    expect(() => startMode(ends, wish(2, 50))).to.throw('it runs until');
  });

  it('is not started twice, not stopped twice, and not at a time that is over', () => {
    const on = startMode(NEVER, wish(0));
    expect(() => startMode(on, wish(1))).to.throw('contest: it runs since');
    expect(() => stopMode(NEVER, wish(1))).to.throw('does not run');
    expect(() => startMode(NEVER, wish(10, 5))).to.throw('it is over');
    expect(() => stopMode(startMode(NEVER, wish(0, 100)), wish(1, 50))).to.throw('cannot end before');
  });

  it('is not taken back by a clock that is set back a little', () => {
    expect(steadyTime(TEN, TEN - 2_000)).to.equal(TEN);
    expect(steadyTime(TEN, TEN + 5)).to.equal(TEN + 5);
    expect(steadyTime(TEN, TEN - 3_600_000)).to.equal(TEN - 3_600_000); // it was wrong before
  });
});
