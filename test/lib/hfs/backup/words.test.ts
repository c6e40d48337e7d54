import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { lastBefore, spread } from '../../../../src/lib/hfs/backup/choose.ts';
import { planRetention } from '../../../../src/lib/hfs/backup/retention.ts';
import { type Extent, layOutTar, mergeExtents } from '../../../../src/lib/hfs/backup/sparse-tar.ts';
import { everyPattern } from '../../../../src/lib/hfs/backup/timers.ts';
import { parseFrom } from '../../../../src/lib/hfs/backup/words.ts';
import { readSnapshots } from '../../../../src/lib/hfs/backup/restic.ts';

const GRAIN = 64 * 1024;

describe('A sparse tar', () => {
  it('is made into the same file by tar, whatever is where', function () {
    this.timeout(30_000);
    const dir = mkdtempSync(join(tmpdir(), 'prolo-tar-'));
    try {
      const part = fc.record({ start: fc.nat(40 * GRAIN), length: fc.nat(3 * GRAIN) });
      fc.assert(
        fc.property(fc.array(part, { maxLength: 8 }), fc.nat(20 * GRAIN), (parts, more) => {
          const sizeBytes = 43 * GRAIN + more;
          const file = Buffer.alloc(sizeBytes);
          for (const [i, { start, length }] of parts.entries()) file.fill(i + 1, start, start + length);
          const sorted = [...parts].sort((a, b) => a.start - b.start);
          const extents = mergeExtents(sorted, sizeBytes);
          const { head, tail, totalBytes } = layOutTar('home.img', sizeBytes, extents, 0);
          const tar = Buffer.concat([head, ...extents.map((one) => slice(file, one)), tail]);
          expect(tar.length).to.equal(totalBytes);
          writeFileSync(join(dir, 'a.tar'), tar);
          execFileSync('tar', ['-x', '-S', '-C', dir, '-f', join(dir, 'a.tar'), 'home.img']);
          expect(readFileSync(join(dir, 'home.img')).equals(file)).to.equal(true);
        }),
        { numRuns: 40 },
      );
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('tells sizes that no octal field holds', () => {
    const dir = mkdtempSync(join(tmpdir(), 'prolo-tar-'));
    try {
      const extents = [{ start: 9 * 1024 ** 3, length: GRAIN }];
      const { head, tail } = layOutTar('home.img', 20 * 1024 ** 3, extents, 0);
      writeFileSync(join(dir, 'a.tar'), Buffer.concat([head, Buffer.alloc(GRAIN, 7), tail]));
      execFileSync('tar', ['-x', '-S', '-C', dir, '-f', join(dir, 'a.tar')]);
      const { size, blocks } = statSync(join(dir, 'home.img'));
      expect(size).to.equal(20 * 1024 ** 3);
      expect(blocks * 512).to.be.below(1024 ** 2);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('covers each byte of data, in whole blocks that neither touch nor leave the file', () => {
    const part = fc.record({ start: fc.nat(50 * GRAIN), length: fc.nat(9 * GRAIN) });
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const size = 59 * GRAIN + 4096;
        const sorted = [...parts].sort((a, b) => a.start - b.start);
        const merged = mergeExtents(sorted, size);
        for (const { start, length } of sorted.filter((one) => one.length > 0))
          expect(
            merged.some((one) => one.start <= start && start + length <= one.start + one.length),
          ).to.equal(true);
        for (const [i, { start, length }] of merged.entries()) {
          expect(start % GRAIN).to.equal(0);
          expect(length).to.be.above(0);
          expect(start + length).to.be.at.most(Math.min(size, merged[i + 1]?.start ?? size));
        }
      }),
    );
  });
});

const slice = (file: Buffer, { start, length }: Extent): Buffer => file.subarray(start, start + length);

describe('Old images of homes', () => {
  it('the newest of each home stays until its time is over, an older one goes at once', () => {
    const kept = [
      { login: 'alice', epoch: 1, ageMs: 10 },
      { login: 'alice', epoch: 3, ageMs: 10 },
      { login: 'alice@contest', epoch: 2, ageMs: 10 },
      { login: 'bob', epoch: 2, ageMs: 1001 },
      { login: 'carol', epoch: 9, ageMs: 1000 },
    ];
    expect(planRetention(kept, 1000).map(({ login, epoch }) => `${login}.${epoch}`)).to.deep.equal([
      'alice.1',
      'bob.2',
    ]);
    expect(planRetention([], 1000)).to.deep.equal([]);
  });
});

describe('A dead server’s homes', () => {
  const homes = [
    { login: 'a', bytes: 10 },
    { login: 'b', bytes: 50 },
    { login: 'c', bytes: 40 },
    { login: 'd', bytes: 500 },
  ];
  it('go where most room is, and one that nobody has room for nowhere', () => {
    const servers = [
      { hfs: 0, freeBytes: 100 },
      { hfs: 3, freeBytes: 90 },
    ];
    expect([...spread(homes, servers, 10)]).to.deep.equal([
      ['b', 0],
      ['c', 3],
      ['a', 0],
    ]);
    expect([...spread(homes, [], 0)]).to.deep.equal([]);
  });
});

describe('What an operator says of a backup', () => {
  it('a snapshot, or an old image', () => {
    expect(parseFrom('1:3')).to.deep.equal({ kept: { hfs: 1, epoch: 3 } });
    expect(parseFrom('13d8d35b')).to.deep.equal({ snapshot: '13d8d35b' });
    expect(() => parseFrom('--help')).to.throw(/neither/);
    expect(() => parseFrom('1:0')).to.throw(/neither/);
  });
  it('the last of before then', () => {
    const list = [{ time: '2026-05-02T10:00:00.000Z' }, { time: '2026-05-02T10:10:00.000Z' }];
    expect(lastBefore(list)).to.equal(list[1]);
    expect(lastBefore(list, '2026-05-02T10:09:59.000Z')).to.equal(list[0]);
    expect(lastBefore(list, '2026-05-02T09:00:00.000Z')).to.equal(undefined);
  });
});

it('restic’s list: oldest first, and what is no home of ours is passed over', () => {
  const tags = ['prolo-home', 'hfs=1', 'epoch=3', 'bytes=77'];
  const list = [
    { short_id: 'b', hostname: 'alice', time: '2026-05-02T10:00:00.123456789+02:00', tags },
    { short_id: 'c', hostname: 'alice', time: '2026-05-02T07:00:00Z', tags },
    { short_id: 'x', hostname: 'gw', time: '2026-05-02T07:00:00Z' },
  ];
  expect(readSnapshots(JSON.stringify(list))).to.deep.equal([
    { id: 'c', login: 'alice', time: '2026-05-02T07:00:00.000Z', hfs: 1, epoch: 3, bytes: 77 },
    { id: 'b', login: 'alice', time: '2026-05-02T08:00:00.123Z', hfs: 1, epoch: 3, bytes: 77 },
  ]);
  expect(readSnapshots('null')).to.deep.equal([]);
});

it('a timer’s minutes as cron says them', () => {
  expect([10, 60, 120, 2000].map(everyPattern)).to.deep.equal([
    '*/10 * * * *',
    '0 */1 * * *',
    '0 */2 * * *',
    '0 3 * * *',
  ]);
});
