import { expect } from 'chai';
import type { Home } from '../../../src/lib/hfs/protocol.ts';
import { createNoticed, isLeftOver, isOver, mayServe, reconcile } from '../../../src/lib/hfs/reconcile.ts';
import type { HomeRecord } from '../../../src/lib/hfs/record.ts';
import type { Hfs } from '../../../src/lib/hfs/server.ts';

const here: Home = {
  login: 'alice',
  hfs: 1,
  epoch: 4,
  last_epoch: 6,
  state: 'here',
  target: null,
  target_epoch: null,
  size_bytes: 1,
  changed_at: '',
};
const moving: Home = { ...here, state: 'moving', target: 2, target_epoch: 6 };
const record = (mode: HomeRecord['mode'], epoch: number, targetEpoch?: number): HomeRecord => ({
  login: 'alice',
  epoch,
  mode,
  bootId: '',
  storage: { pid: 1, startTicks: 1 },
  export: { name: '', port: 1, peer: '' },
  ...(targetEpoch === undefined ? {} : { targetEpoch }),
});

describe('what a server may serve', () => {
  const table: [string, HomeRecord, Home | undefined, number, boolean][] = [
    ['its own image', record('serve', 4), here, 1, true],
    ['its own image, while a move begins', record('serve', 4), moving, 1, true],
    ['its own image of an older epoch', record('serve', 3), here, 1, false],
    ['an image that another server owns', record('serve', 4), here, 2, false],
    ['a home without a row', record('serve', 4), undefined, 1, false],
    ['what moves here', record('fetch', 6), moving, 2, true],
    ['what has just moved here', record('fetch', 4), here, 1, true],
    ['a move that was replaced by a later one', record('fetch', 5), moving, 2, false],
    ['a move that was given up', record('fetch', 6), here, 2, false],
    ['the source of the move', record('source', 4, 6), moving, 1, true],
    ['the source of a move that was replaced', record('source', 4, 5), moving, 1, false],
    ['the source of a move that was given up', record('source', 4, 6), here, 1, false],
  ];
  for (const [what, running, row, number, expected] of table)
    it(`${expected ? 'is' : 'is not'}: ${what}`, () =>
      expect(mayServe(running, row, number)).to.equal(expected));
});

describe('what a broken move left, among unfinished images', () => {
  const table: [string, number, Home, number, boolean][] = [
    ['an epoch that came to nothing', 5, here, 2, true],
    ['the target of the move that is going on', 6, moving, 2, false],
    ['an older attempt beside it', 5, moving, 2, true],
    ['the same epoch on a third server', 6, moving, 3, true],
    ['the owner’s image', 4, here, 1, false],
    ['an attempt from before the last move', 3, here, 2, true],
    ['an epoch that hfsdb does not know: its database was restored', 7, here, 2, false],
  ];
  for (const [what, epoch, row, number, expected] of table)
    it(`${expected ? 'is' : 'is not'}: ${what}`, () =>
      expect(isLeftOver(epoch, row, number)).to.equal(expected));
});

describe('when nobody sits at a home', () => {
  const table: [string, number, boolean, number, boolean][] = [
    ['its client has gone', 10_000, false, 30, true],
    ['its client has just gone', 9_999, false, 30, false],
    ['its client is there, and the next heartbeat may be on its way', 15_000, true, 30, false],
    ['its client is there, and is heard of no more', 30_000, true, 30, true],
    ['its client is there, and the site is in a hurry', 10_000, true, 2, true],
  ];
  for (const [what, emptyMs, isConnected, timeoutSeconds, expected] of table)
    it(`it ${expected ? 'ends' : 'goes on'}: ${what}`, () =>
      expect(isOver(emptyMs, isConnected, timeoutSeconds)).to.equal(expected));
});

describe('a move to here that nothing runs for', () => {
  it('is given up when it is seen again, since the answer that begins it may be on its way', async () => {
    const asked: string[] = [];
    const departures = new Map<string, number>();
    const hfs = {
      number: 2,
      site: { config: { presence: { timeoutSeconds: 30 } } },
      running: new Map(),
      departures,
      imageDir: '/nowhere',
      imageFile: () => '/nowhere/alice.6.img',
      locked: <T>(_login: string, work: () => Promise<T>) => work(),
      hfsdb: {
        call(method: string) {
          asked.push(method);
          return Promise.resolve(method === 'homes' ? [{ ...moving, seat: null }] : here);
        },
      },
    } as unknown as Hfs;
    const noticed = createNoticed();
    await reconcile(hfs, noticed);
    expect(asked).to.deep.equal(['homes']);
    await reconcile(hfs, noticed);
    expect(asked).to.deep.equal(['homes', 'homes', 'abort_move']);
    expect(departures.get('alice'), 'whoever has that answer asks again').to.equal(1);
  });
});
