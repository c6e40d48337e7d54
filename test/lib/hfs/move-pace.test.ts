import { expect } from 'chai';
import {
  nextPace,
  type Pace,
  POLITE_BYTES_PER_SECOND,
  readReceived,
} from '../../../src/lib/hfs/move-pace.ts';

const idle: Pace = { bytesPerSecond: 0, busyUntilMs: 0, wasConnected: false };

describe('how fast a home is copied', () => {
  const after = (limit: number, ...received: (number | undefined)[]): number =>
    received.reduce<Pace>(
      (pace, receivedBytes, n) => nextPace(pace, { atMs: n * 100, receivedBytes }, limit),
      {
        ...idle,
        bytesPerSecond: limit,
      },
    ).bytesPerSecond;

  it('is as fast as it goes beside a client that only looks', () => {
    expect(after(0, 500, 500, 600, 700)).to.equal(0);
  });
  it('is polite beside one that writes, and for a second after', () => {
    expect(after(0, 500, 50_000)).to.equal(POLITE_BYTES_PER_SECOND);
    expect(after(0, 500, 50_000, ...Array<number>(9).fill(50_000))).to.equal(POLITE_BYTES_PER_SECOND);
    expect(after(0, 500, 50_000, ...Array<number>(11).fill(50_000))).to.equal(0);
  });
  it('is polite while somebody waits for the home and is not connected yet', () => {
    expect(after(0, undefined)).to.equal(POLITE_BYTES_PER_SECOND);
    expect(after(0, undefined, undefined, 300)).to.equal(0);
    expect(after(0, undefined, 300, 9_000, 9_000)).to.equal(POLITE_BYTES_PER_SECOND);
  });
  it('is as fast as it goes once they have left', () => {
    expect(after(0, undefined, 300, undefined)).to.equal(0);
  });
  it('keeps to the site’s own limit', () => {
    expect(after(1_000_000, 500, 500)).to.equal(1_000_000);
    expect(after(1_000_000, 500, 90_000)).to.equal(1_000_000);
    expect(after(900_000_000, 500, 90_000)).to.equal(POLITE_BYTES_PER_SECOND);
  });
  it('is told by what ss shows', () => {
    expect(readReceived('')).to.equal(undefined);
    expect(
      readReceived('0 0 127.0.0.1:40000 127.0.0.1:5\n\t cubic bytes_sent:10 bytes_received:4096 x'),
    ).to.equal(4096);
    expect(readReceived('0 0 127.0.0.1:40000 127.0.0.1:5\n\t cubic')).to.equal(0);
  });
});
