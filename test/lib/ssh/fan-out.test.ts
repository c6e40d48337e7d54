import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { fanOut } from '../../../src/lib/ssh/fan-out.ts';
import { rejection } from '../../support/rejection.ts';

describe('fanOut', () => {
  const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

  it('works on each once, in order, and never on more at once than it may', async () => {
    const begun: number[] = [];
    let running = 0;
    let most = 0;
    await fanOut(
      numbers(50),
      async (n) => {
        begun.push(n);
        most = Math.max(most, ++running);
        await turn();
        if (n % 3 === 0) await turn();
        running--;
      },
      { atOnce: 7 },
    );
    expect(begun).to.deep.equal(numbers(50));
    expect(most).to.equal(7);
    expect(running).to.equal(0);
  });

  it('does not let a slow one hold up the others', async () => {
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => (release = resolve));
    let done = 0;
    await fanOut(
      numbers(20),
      async (n) => {
        if (n === 0) return slow;
        await turn();
        if (++done === 19) release();
      },
      { atOnce: 2 },
    );
    expect(done).to.equal(19);
  });

  it('has nothing to do with nothing', async () => {
    await fanOut([], () => Promise.reject(new Error('called')), { atOnce: 3 });
  });

  it('waits for those that have begun when one throws, begins no other, and throws that', async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const work = async (n: number): Promise<void> => {
      begun.push(n);
      await turn();
      if (n === 1) throw new Error('one');
      await turn();
      await turn();
      ended.push(n);
    };
    const error = await rejection(fanOut(numbers(10), work, { atOnce: 3 }));
    expect(error.message).to.equal('one');
    expect(begun).to.deep.equal([0, 1, 2]);
    expect(ended).to.deep.equal([0, 2]);
  });

  it('takes what throws at once as what rejects', async () => {
    const work = (): Promise<void> => {
      throw new Error('at once');
    };
    expect((await rejection(fanOut([1, 2], work, { atOnce: 2 }))).message).to.equal('at once');
  });

  it('hands out 200,000 items in a moment', async () => {
    let sum = 0;
    await fanOut(
      numbers(200_000),
      async (n) => {
        await Promise.resolve();
        sum += n;
      },
      { atOnce: 200 },
    );
    expect(sum).to.equal((200_000 * 199_999) / 2);
  }).timeout(5000);
});
