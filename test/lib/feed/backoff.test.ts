import { expect } from 'chai';
import fc from 'fast-check';
import { backoffMs } from '../../../src/lib/feed/backoff.ts';

describe('backoffMs', () => {
  it('doubles up to 10 s', () => {
    const most = [1, 2, 3, 4, 7, 8, 50, 5000].map((failures) => backoffMs(failures, false, 1));
    expect(most).to.deep.equal([100, 200, 400, 800, 6400, 10_000, 10_000, 10_000]);
  });

  it('is spread over the upper half', () => {
    expect(backoffMs(5, false, 0)).to.equal(800);
    expect(backoffMs(5, false, 0.5)).to.equal(1200);
  });

  it('is long for who is refused, from the first time on', () => {
    expect(backoffMs(1, true, 0)).to.equal(15_000);
    expect(backoffMs(100, true, 0.999)).to.be.closeTo(30_000, 20);
  });

  it('is always a sane time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.boolean(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, refused, r) => {
          expect(backoffMs(n, refused, r)).to.be.within(50, 30_000);
        },
      ),
    );
  });
});
