import { expect } from 'chai';
import { placeHomes } from '../../../../src/lib/hfs/db/evacuate.ts';

const GiB = 1024 ** 3;
const snapshot = (login: string, time: string, bytes = 1024) => ({
  ...{ id: `${login}-${time}`, login, time, hfs: 1, epoch: 1, bytes },
});
const copy = (login: string, hfs: number, epoch: number) => ({
  ...{ login, hfs, epoch, time: `of ${epoch}`, used_bytes: 10 },
});
const alive = [
  { hfs: 0, freeBytes: 10 * GiB },
  { hfs: 2, freeBytes: 20 * GiB },
];

describe('where the homes of a dead server go', () => {
  it('is from the last backup of each, to whoever has most room', () => {
    const snapshots = [snapshot('alice', '1'), snapshot('bob', '1'), snapshot('alice', '2')];
    expect(placeHomes(1, ['alice'], { snapshots, kept: [copy('alice', 0, 7)] }, alive)).to.deep.equal({
      homes: [{ login: 'alice', to: 2, time: '2', bytes: 1024 }],
      lost: [],
    });
  });

  it('is to where its newest old image is, if there is no backup, and never to the dead server', () => {
    const kept = [copy('alice', 0, 3), copy('alice', 2, 4), copy('alice', 1, 9)];
    const servers = [...alive, { hfs: 1, freeBytes: 99 * GiB }];
    const { homes, lost } = placeHomes(
      1,
      ['alice', 'bob'],
      { snapshots: [snapshot('bob', '1')], kept },
      servers,
    );
    expect(homes.map(({ login, to, kept: from }) => [login, to, from])).to.deep.equal([
      ['alice', 2, { hfs: 2, epoch: 4 }],
      ['bob', 2, undefined],
    ]);
    expect(lost).to.deep.equal([]);
  });

  it('names who has nothing left, and whom nobody has room for', () => {
    const snapshots = [snapshot('bob', '1', 30 * GiB)];
    expect(placeHomes(1, ['alice', 'bob'], { snapshots, kept: [] }, alive)).to.deep.equal({
      homes: [],
      lost: [
        { login: 'alice', why: 'no backup' },
        { login: 'bob', why: 'no server has room for it' },
      ],
    });
  });
});
