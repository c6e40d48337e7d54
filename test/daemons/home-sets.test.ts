import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'chai';
import { filesAt } from '../support/home-files.ts';
import { type HomesSite, homesPackages, makeHomesSite } from '../support/homes.ts';
import { setContest, SWAP_VICTIMS, type SwapSite, swapRun } from '../support/homes-swap.ts';
import { eventually } from '../support/lab.ts';
import { needs } from '../support/needs.ts';

const MIB = 1024 ** 2;

describe('the homes of a contest, on real servers', function () {
  this.timeout(120_000);
  let homes: HomesSite;
  before(function () {
    needs(this, { ...homesPackages, debugfs: 'e2fsprogs' });
  });
  afterEach(() => homes?.close());

  it('a contestant has the files of before, then an empty home, the files of before again, and those of the contest', async () => {
    homes = await makeHomesSite({ users: 1, seats: 2, sizeBytes: 32 * MIB, hfs: { exportName: 'login' } });
    const skeleton = { '.profile': '# at home\n' };
    let seat: [hfs: number, n: number] = [0, 1];
    const sit = async (hfs: number, n: number): ReturnType<HomesSite['enter']> => {
      await homes.logout('u001', homes.seat(...seat)).catch(() => undefined);
      seat = [hfs, n];
      return homes.enter('u001', hfs, n);
    };

    const before = await sit(0, 1);
    expect(await filesAt(before, { notes: 'of before' })).to.deep.equal({
      ...skeleton,
      notes: 'of before',
    });
    await setContest(homes, 'start');
    const still = await homes.getHfs(0, 'u001');
    expect(await filesAt(still), 'swapped under his feet').to.have.property('notes');
    const during = await sit(0, 2);
    expect(during.export, 'SADM’s client asks for the login').to.equal('u001');
    expect(await filesAt(during, { solution: '42' })).to.deep.equal({ ...skeleton, solution: '42' });
    await eventually(
      () => homes.served(0),
      (served) => served.some(({ login, state }) => login === 'u001' && state === 'stored'),
      30_000,
    );
    expect((await homes.served(0)).map(({ login, epoch, state }) => [login, epoch, state])).to.deep.equal([
      ['u001', 1, 'stored'],
      ['u001@contest', 2, 'served'],
    ]);
    expect(readdirSync(dirname(homes.image(0, 'u001', 1))).sort()).to.deep.equal([
      ...['u001.1.img', 'u001@contest.2.img'],
    ]);

    await setContest(homes, 'stop');
    expect(await filesAt(await sit(1, 1))).to.deep.equal({ ...skeleton, notes: 'of before' });
    await setContest(homes, 'start');
    expect(await filesAt(await sit(1, 2))).to.deep.equal({ ...skeleton, solution: '42' });
    await setContest(homes, 'stop');
    await setContest(homes, 'start', 'semifinal');
    expect(await filesAt(await sit(0, 1))).to.deep.equal({ ...skeleton });
    await eventually(
      () => Promise.all(['u001', 'u001@contest'].map((name) => homes.row(name))),
      (rows) => rows.every((row) => row?.state === 'here'),
      30_000,
    );
    const rows = await Promise.all(['u001', 'u001@contest', 'u001@semifinal'].map((name) => homes.row(name)));
    expect(rows.map((row) => [row!.hfs, row!.epoch])).to.deep.equal([
      ...[[1, 3], [1, 4], [0, 5]], // prettier-ignore
    ]);
    for (const [hfs, name, epoch] of [
      [1, 'u001', 3],
      [1, 'u001@contest', 4],
      [0, 'u001@semifinal', 5],
    ] as const)
      // prettier-ignore
      expect(existsSync(homes.image(hfs, name, epoch)), name).to.equal(true);
  });

  it('kill -9 while the contest starts or stops at the moment of a login: one home a session, nothing acknowledged is lost', async () => {
    process.env.PROLO_TEST_LOG = 'silent';
    homes = await makeHomesSite({ users: 1, seats: 1, sizeBytes: 32 * MIB });
    const site: SwapSite = { homes, written: new Map(), runs: 0 };
    try {
      for (let run = 0; run < 10; run++) await swapRun(site, SWAP_VICTIMS[run % SWAP_VICTIMS.length]!);
    } finally {
      delete process.env.PROLO_TEST_LOG;
    }
    expect([...site.written.keys()].sort()).to.deep.equal(['u001', 'u001@contest']);
  });
});
