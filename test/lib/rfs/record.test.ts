import { expect } from 'chai';
import { bootFiles, filesFor, type RfsRecord, secondRfs } from '../../../src/lib/rfs/record.ts';

const files = (version: number) => bootFiles({ version, rootHash: String(version).repeat(64).slice(0, 64) });
const records = (...list: [rfs: number, version: number, canary?: [number, ...string[]]][]) =>
  new Map(
    list.map(([rfs, version, canary]): [number, RfsRecord] => [
      rfs,
      {
        rfs,
        ...files(version),
        canary: canary ? { ...files(canary[0]), machines: canary.slice(1) as string[] } : null,
      },
    ]),
  );

describe('what a machine boots', () => {
  it('is the version of its RFS, or the one it tries', () => {
    const all = records([1, 7, [8, 'pas-r01p02']], [2, 7]);
    expect(filesFor(all, { rfs: 1, hostname: 'pas-r01p01' })).to.include({ version: 7, kernel: '7/vmlinuz' });
    expect(filesFor(all, { rfs: 1, hostname: 'pas-r01p02' })).to.include({ version: 8 });
    expect(filesFor(all, { rfs: 2, hostname: 'pas-r01p02' })).to.include({ version: 7 });
    expect(filesFor(all, { rfs: 3, hostname: 'pas-r01p01' })).to.equal(undefined);
  });
  it('has a second server: half-way round those that have that version', () => {
    const all = records([1, 7], [2, 6], [3, 7], [4, 6, [7, 'x']]);
    expect(secondRfs(all, 1, 7)).to.equal(4);
    expect(secondRfs(all, 1, 7, (other) => other !== 4)).to.equal(3);
    expect(secondRfs(all, 3, 7)).to.equal(1);
    expect(secondRfs(all, 4, 7)).to.equal(3);
    expect(secondRfs(all, 2, 6)).to.equal(4);
    expect(secondRfs(records([1, 7]), 1, 7)).to.equal(undefined);
    // Boxes of two.
    const boxes = records([0, 7], [1, 7], [2, 7], [3, 7]);
    expect([0, 1, 2, 3].map((rfs) => secondRfs(boxes, rfs, 7))).to.deep.equal([2, 3, 0, 1]);
  });
});
