import { expect } from 'chai';
import { findProblems } from '../../../../src/lib/hfs/db/doctor.ts';
import type { CheckedImage, Home } from '../../../../src/lib/hfs/protocol.ts';

const home: Home = {
  ...{ login: 'jdoe', hfs: 0, epoch: 3, last_epoch: 5, state: 'here', target: null, target_epoch: null },
  ...{ size_bytes: 1000, changed_at: '2026-05-01T10:00:00.000Z' },
};
const moving: Home = { ...home, state: 'moving', target: 1, target_epoch: 6, last_epoch: 6 };
const image = (epoch: number, more: Partial<CheckedImage> = {}): CheckedImage => ({
  ...{ login: 'jdoe', epoch, mode: null, fsck: '' },
  ...more,
});
const at = (hfs: number, ...images: CheckedImage[]) => ({ hfs, images });

describe('the table of homes against the disks', () => {
  const table: [string, Home[], Parameters<typeof findProblems>[1], string[]][] = [
    ['as it should be', [home], [at(0, image(3)), at(1)], []],
    ['in use, so not checked', [home], [at(0, image(3, { mode: 'serve', fsck: null }))], []],
    ['old images here and there are nothing wrong', [home], [at(0, image(3), image(2)), at(1, image(1))], []],
    ['two homes of one person, each where its own row says', [home, { ...home, login: 'jdoe@contest', hfs: 1, epoch: 4 }], [at(0, image(3)), at(1, image(4, { login: 'jdoe@contest' }))], []],
    ['that of the contest is not there, and is not the usual one', [home, { ...home, login: 'jdoe@contest', epoch: 4 }], [at(0, image(3))], ['jdoe@contest 0 its image is missing: it is at hfs 0, epoch 4']],
    ['on its way', [moving], [at(0, image(3, { mode: 'source', fsck: null })), at(1, image(6, { mode: 'fetch', fsck: null }))], []],
    ['not made yet', [{ ...home, state: 'creating' }], [at(0)], []],
    ['an image without a row', [], [at(1, image(1))], ['jdoe 1 an image of epoch 1, and no such home']],
    ['a row without an image', [home], [at(0, image(2))], ['jdoe 0 its image is missing: it is at hfs 0, epoch 3']],
    ['a silent server: its homes are unknown, not missing', [home], [{ hfs: 0, images: null }, at(1)], [' 0 does not answer']],
    ['an epoch that nobody has handed out', [home], [at(0, image(3)), at(1, image(6))], ['jdoe 1 an image of epoch 6, which was never handed out']],
    ['two servers have the newest epoch', [home], [at(0, image(3)), at(1, image(3))], ['jdoe 1 an image of epoch 3 too: the home is at hfs 0, epoch 3']],
    ['damaged', [home], [at(0, image(3, { fsck: 'UNEXPECTED INCONSISTENCY' }))], ['jdoe 0 epoch 3: e2fsck: UNEXPECTED INCONSISTENCY']],
    ['an old epoch is served', [home], [at(0, image(3)), at(1, image(2, { mode: 'serve', fsck: null }))], ['jdoe 1 serves epoch 2: the home is at hfs 0, epoch 3']],
    ['two serve it', [home], [at(0, image(3, { mode: 'serve', fsck: null })), at(1, image(3, { mode: 'serve', fsck: null }))],
      ['jdoe 0 served by hfs 0 and hfs 1', 'jdoe 1 an image of epoch 3 too: the home is at hfs 0, epoch 3']],
  ]; // prettier-ignore
  for (const [title, homes, servers, expected] of table)
    it(title, () => {
      const problems = findProblems(homes, servers);
      expect(problems.map(({ login, hfs, what }) => `${login} ${hfs} ${what}`)).to.deep.equal(expected);
      expect(problems.filter(({ note }) => note)).to.deep.equal([]);
    });

  it('an old image whose time is over is a note, not a problem', () =>
    expect(findProblems([home], [{ ...at(0, image(3), image(1)), old: ['jdoe.1'] }])).to.deep.equal([
      {
        ...{ login: 'jdoe', hfs: 0, note: true },
        what: 'the old image of epoch 1 is deleted when `prolo hfs backup --retain` runs next',
      },
    ]));

  it('are in order of login, then server', () => {
    const images = ['b', 'a'].map((login) => image(1, { login }));
    const problems = findProblems([], [at(1, ...images), at(0, ...images)]);
    expect(problems.map(({ login, hfs }) => `${login}${hfs}`)).to.deep.equal(['a0', 'a1', 'b0', 'b1']);
  });
});
