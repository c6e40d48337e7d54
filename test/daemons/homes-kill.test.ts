import { expect } from 'chai';
import { type HomesSite, homesPackages, makeHomesSite } from '../support/homes.ts';
import { KILL_HOME_BYTES, killCase, killRun, type KillSite, openKillSite } from '../support/homes-kill.ts';
import { raceForHome } from '../support/homes-race.ts';
import { restartUnderLoad } from '../support/homes-restart.ts';
import { needs } from '../support/needs.ts';

describe('Homes whose servers are killed', function () {
  this.timeout(240_000);
  let homes: HomesSite | undefined;

  before(function () {
    needs(this, homesPackages);
    // What was killed is an error to those that it served.
    process.env.PROLO_TEST_LOG = 'silent';
  });
  after(() => {
    delete process.env.PROLO_TEST_LOG;
  });
  afterEach(async () => {
    await homes?.close();
    homes = undefined;
  });

  it('kill -9 of any process at a step of a move: nothing acknowledged is lost, one copy is served, the next login works', async () => {
    homes = await makeHomesSite({
      users: 1,
      seats: 1,
      sizeBytes: KILL_HOME_BYTES,
      hfs: { moveBytesPerSecond: 24 * 1024 ** 2 },
    });
    const site: KillSite = await openKillSite(homes);
    try {
      for (let run = 0; run < 20; run++) await killRun(site, killCase(run));
      expect(site.next).to.be.above(20 * 15);
    } finally {
      await site.counters.close();
    }
  });

  it('restarting the home server interrupts nobody who writes', async () => {
    homes = await makeHomesSite({ users: 10, seats: 10, sizeBytes: KILL_HOME_BYTES });
    const { gapMs } = await restartUnderLoad(homes, 10, 2);
    expect(gapMs).to.be.below(2_000);
  });

  it('two servers asked for one home at once serve it once', async () => {
    homes = await makeHomesSite({ users: 1, seats: 1, sizeBytes: KILL_HOME_BYTES });
    await homes.enter('u001', 0, 1);
    for (let race = 0; race < 10; race++) await raceForHome(homes);
  });
});
