import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { start as startMdbsync } from '../../src/daemons/mdbsync.ts';
import { start as startPresencesync } from '../../src/daemons/presencesync.ts';
import { start as startUsermap } from '../../src/daemons/usermap.ts';
import type { RunningDaemon } from '../../src/lib/http/daemon.ts';
import { ask, fillSite } from '../lib/presence/support.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

describe('the daemon usermap', () => {
  let test: TestSite;
  let presence: RunningDaemon;
  let map: RunningDaemon;
  const daemons: RunningDaemon[] = [];
  before(async () => {
    test = await makeTestSite({});
    await fillSite(test.site, await test.store(), 2);
    daemons.push(await startMdbsync(test.context));
    daemons.push((presence = await startPresencesync(test.context)));
    daemons.push((map = await startUsermap(test.context)));
  });
  after(async () => {
    for (const daemon of daemons.reverse()) await daemon.close();
    await test?.remove();
  });

  const get = (): Promise<Response> => fetch(`${map.url}/`);

  it('says that there is no plan, and how to make one', async () => {
    const answer = await get();
    expect(answer.status).to.equal(404);
    expect(await answer.text()).to.contain('seats.csv: not there');
  });

  it('shows a login a moment after it happened, and its end', async () => {
    writeFileSync(join(test.site.dir, 'seats.csv'), 'room,hostname,x,y\nr,m1,0,0\nr,m2,1,0\n');
    const shows = async (text: string): Promise<void> => {
      for (let tries = 0; !(await (await get()).text()).includes(text); tries++) {
        if (tries > 200) throw new Error(`the map never showed ${text}`);
        await new Promise((done) => setTimeout(done, 25));
      }
    };
    await shows('2 free');
    await ask({ url: presence.url!, site: test.site }, 'login', { login: 'u1', hostname: 'm1' });
    await shows('<title>m1: u1</title>');
    await ask({ url: presence.url!, site: test.site }, 'logout', { login: 'u1', hostname: 'm1' });
    await shows('<title>m1: free</title>');
    expect((await get()).headers.get('content-type')).to.match(/^image\/svg\+xml/);
  });
});
