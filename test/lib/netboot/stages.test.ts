import { expect } from 'chai';
import { leaseEvent } from '../../../src/lib/netboot/lease-events.ts';
import {
  isStuck,
  setBack,
  type Stage,
  type StageEvent,
  type Tracker,
  track,
} from '../../../src/lib/netboot/stages.ts';
import type { Lease } from '../../../src/lib/dhcp/leases.ts';
import { config } from './support.ts';

const MAC = '52:54:00:00:00:01';
const { stuckSeconds } = config().netboot;

function run(...steps: [stage: Stage, atS: number, more?: Partial<StageEvent>][]) {
  const tracker: Tracker = new Map();
  for (const [stage, atS, more] of steps) track(tracker, { mac: MAC, stage, atMs: atS * 1000, ...more });
  const { stage, sinceMs, note } = tracker.get(MAC)!;
  return [stage, sinceMs / 1000, note];
}

describe('netboot stages', () => {
  it('a boot goes through all of them', () => {
    expect(run(['address', 1], ['script', 2], ['initramfs', 3], ['kernel', 4], ['up', 20])).to.deep.equal([
      'up',
      20,
      '',
    ]);
  });

  it('of a clock that is set back by an hour go on at once', () => {
    const tracker: Tracker = new Map();
    const see = (stage: Stage, atS: number): unknown => track(tracker, { mac: MAC, stage, atMs: atS * 1000 });
    see('script', 7200);
    setBack(tracker, 3601_000);
    expect(see('initramfs', 3602)).to.include({ stage: 'initramfs', sinceMs: 3602_000 });
    setBack(tracker, 3700_000);
    expect(isStuck(tracker.get(MAC)!, 9000_000, stuckSeconds), 'nor for ever').to.equal(true);
  });

  it('the address that the kernel asks for again is no step back', () => {
    expect(run(['address', 1], ['script', 2], ['kernel', 4], ['address', 8])).to.deep.equal([
      'kernel',
      4,
      '',
    ]);
  });

  it('a renewal of one that is up is nothing; one that asks anew has restarted', () => {
    expect(run(['up', 20], ['address', 21_600, { renewal: true }])[0]).to.equal('up');
    expect(run(['up', 20], ['address', 25])[0]).to.equal('up');
    expect(run(['up', 20], ['address', 200])).to.deep.equal(['address', 200, '']);
  });

  it('a script starts anew, wherever it was', () => {
    expect(run(['up', 20], ['script', 30, { note: 'faulty: no keyboard' }])).to.deep.equal([
      'script',
      30,
      'faulty: no keyboard',
    ]);
    expect(run(['kernel', 20], ['script', 30])[0]).to.equal('script');
  });

  it('what is fetched while it is up, or twice, is no step', () => {
    expect(run(['up', 20], ['kernel', 30])).to.deep.equal(['up', 20, '']);
    expect(run(['kernel', 20], ['kernel', 30])).to.deep.equal(['kernel', 20, '']);
  });

  it('what comes late changes nothing', () => {
    expect(run(['script', 20], ['address', 5])).to.deep.equal(['script', 20, '']);
    expect(run(['up', 20], ['script', 5])).to.deep.equal(['up', 20, '']);
  });

  it('longer at a stage than its threshold is stuck; up never is', () => {
    const at = (stage: Stage, seconds: number) =>
      isStuck({ mac: MAC, stage, sinceMs: 0, ip: '', note: '' }, seconds * 1000, stuckSeconds);
    expect([at('address', 60), at('address', 61)]).to.deep.equal([false, true]);
    expect([at('initramfs', 300), at('initramfs', 301)]).to.deep.equal([false, true]);
    expect(at('up', 1e9)).to.equal(false);
  });

  it('remembers a bounded number of strangers', () => {
    const tracker: Tracker = new Map();
    for (let i = 0; i < 10_050; i++) track(tracker, { mac: String(i), stage: 'script', atMs: i });
    expect(tracker.size).to.equal(10_000);
    expect(tracker.has('49')).to.equal(false);
    expect(tracker.has('10049')).to.equal(true);
  });
});

describe('netboot: what a lease tells', () => {
  const lease = (startS: number, more: Partial<Lease> = {}): Lease => ({
    mac: MAC,
    ip: '192.168.0.1',
    hostname: '',
    startMs: startS * 1000,
    lifetimeMs: 43_200_000,
    gone: false,
    ...more,
  });
  const tell = (...leases: Lease[]) => {
    const seen = new Map<string, Lease>();
    return leases.map((one) => leaseEvent(seen, one)?.renewal);
  };

  it('a renewal comes at half the lease', () => {
    expect(tell(lease(0), lease(21_600))).to.deep.equal([false, true]);
  });
  it('earlier, later, or with another address it is a start', () => {
    expect(tell(lease(0), lease(100))).to.deep.equal([false, false]);
    expect(tell(lease(0), lease(50_000))).to.deep.equal([false, false]);
    expect(tell(lease(0), lease(21_600, { ip: '192.168.0.2' }))).to.deep.equal([false, false]);
  });
  it('a lease that is gone, or told before, is nothing', () => {
    expect(tell(lease(0), lease(0), lease(10, { gone: true }))).to.deep.equal([false, undefined, undefined]);
  });
});
