import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { runOk } from '../../src/lib/exec.ts';
import { serviceUrl } from '../../src/lib/site/site.ts';
import { raceForSeats } from '../lib/presence/races.ts';
import { ask, auditLines, fillSite, getList } from '../lib/presence/support.ts';
import { follow, type Follower } from '../support/feed.ts';
import { needs } from '../support/needs.ts';
import { startDaemonProcess, type TestProcess } from '../support/processes.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

describe('presencesync, killed and started again', function () {
  this.timeout(60_000);
  let test: TestSite & { url: string };
  let daemon: TestProcess;
  const startAgain = async (): Promise<void> => {
    await daemon.kill();
    daemon = await startDaemonProcess(test.site.file, 'presencesync');
  };
  const run = async (timeoutSeconds: number, count = 10): Promise<void> => {
    const made = await makeTestSite({ presence: { timeoutSeconds } });
    test = { ...made, url: serviceUrl(made.site.config, 'presencesync') };
    await fillSite(made.site, await made.store(), count);
    daemon = await startDaemonProcess(made.site.file, 'presencesync');
  };
  let follower: Follower | undefined;
  afterEach(async () => {
    await follower?.stop();
    follower = undefined;
    await daemon?.kill();
    await test?.remove();
  });

  it('after a presence restart nobody waits 30 s', async () => {
    await run(30);
    expect((await ask(test, 'login', { login: 'u1', hostname: 'm1' })).status).to.equal(200);
    await startAgain();
    const startedMs = performance.now();
    expect((await ask(test, 'login', { login: 'u2', hostname: 'm2' })).status, 'a new one').to.equal(200);
    expect((await ask(test, 'login', { login: 'u1', hostname: 'm1' })).status, 'the same').to.equal(200);
    expect((await ask(test, 'heartbeat', { login: 'u1', hostname: 'm1' })).status).to.equal(200);
    expect(await ask(test, 'login', { login: 'u1', hostname: 'm3' })).to.deep.equal({
      status: 423,
      text: 'you are logged on at m1',
    });
    expect(performance.now() - startedMs).to.be.lessThan(10_000);
  });

  it('nobody is forgotten: each has one full timeout to be heard again, and who is not has gone', async () => {
    await run(4);
    const pairs = Array.from({ length: 10 }, (_, i) => ({ login: `u${i + 1}`, hostname: `m${i + 1}` }));
    for (const pair of pairs) expect((await ask(test, 'login', pair)).status).to.equal(200);
    await startAgain();
    expect(Object.keys(await getList(test))).to.have.length(10);
    const startedMs = performance.now();
    follower = follow({ url: test.url, secret: test.site.secret('presencesync.subscribe'), pk: 'login' });
    await follower.until(() => follower!.state.size === 10);
    const beat = setInterval(() => void ask(test, 'heartbeat', pairs[0]!).catch(() => undefined), 500);
    try {
      await follower.until(() => follower!.state.size === 1, 20_000);
    } finally {
      clearInterval(beat);
    }
    expect(performance.now() - startedMs).to.be.greaterThan(2_500);
    expect(await getList(test)).to.deep.equal({ u1: 'm1' });
  });

  it('a late heartbeat revives nobody who logged out before the restart', async () => {
    await run(30);
    await ask(test, 'login', { login: 'u1', hostname: 'm1' });
    await ask(test, 'logout', { login: 'u1', hostname: 'm1' });
    await startAgain();
    expect((await ask(test, 'heartbeat', { login: 'u1', hostname: 'm1' })).status).to.equal(423);
    expect((await ask(test, 'heartbeat', { login: 'u2', hostname: 'm2' })).status, 'free both').to.equal(200);
    expect(await getList(test)).to.deep.equal({ u2: 'm2' });
  });

  it('time in which it stood still itself ends nobody’s session', async () => {
    await run(2);
    expect((await ask(test, 'login', { login: 'u1', hostname: 'm1' })).status).to.equal(200);
    daemon.child.kill('SIGSTOP');
    await sleep(4_000); // twice the timeout
    const beat = ask(test, 'heartbeat', { login: 'u1', hostname: 'm1' }); // waits in the socket
    daemon.child.kill('SIGCONT');
    expect((await beat).status).to.equal(200);
    const lines = await auditLines(await test.store());
    expect(lines.filter((line) => !line.endsWith('presence login: u1 at m1'))).to.deep.equal([]);
  });

  it('what was acknowledged is there after kill -9 in a burst of logins', async () => {
    await run(30, 100);
    const acknowledged: string[] = [];
    const burst = Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const pair = { login: `u${i + 1}`, hostname: `m${i + 1}` };
        const answer = await ask(test, 'login', pair).catch(() => undefined);
        if (answer?.status === 200) acknowledged.push(pair.login);
        if (acknowledged.length === 20) daemon.child.kill('SIGKILL');
      }),
    );
    await burst;
    await startAgain();
    const list = await getList(test);
    expect(acknowledged.length).to.be.at.least(20);
    expect(acknowledged.filter((login) => list[login] === undefined)).to.deep.equal([]);
    const logins = (await auditLines(await test.store())).filter((line) => line.includes('presence login'));
    expect(logins).to.have.length(Object.keys(list).length);
  });

  it('seats race 50 times while it is killed now and then: one wins, and stays', async () => {
    const { won, kills } = await raceForSeats(50, 10);
    expect(kills).to.equal(5);
    expect(won).to.be.within(45, 50);
  });

  it('serves a client in Python', async function () {
    needs(this, { python3: 'python3' });
    await run(30);
    const script = join(import.meta.dirname, '../lib/presence/sadm-presence.py');
    const [publish, subscribe] = [
      test.site.secret('presencesync.publish'),
      test.site.secret('presencesync.subscribe'),
    ];
    const { stdout } = await runOk(['python3', script, test.url, subscribe, publish]);
    expect(JSON.parse(stdout)).to.deep.equal({
      login: null,
      again: null,
      elsewhere: 'you are logged on at m1',
      list: { u1: 'm1' },
      logout: null,
      twice: 'u1 is not logged on',
      after: {},
      lines: [
        [],
        [{ type: 'update', data: { login: 'u1', hostname: 'm1' } }],
        [{ type: 'delete', data: { login: 'u1', hostname: 'm1' } }],
      ],
    });
  });
});
