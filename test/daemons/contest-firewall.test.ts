import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { start as startContestsync } from '../../src/daemons/contestsync.ts';
import { start as startMdbsync } from '../../src/daemons/mdbsync.ts';
import { start as startPresencesync } from '../../src/daemons/presencesync.ts';
import { start as startUdbsync } from '../../src/daemons/udbsync.ts';
import { type Heard, listApplied } from '../../src/lib/contest/applied.ts';
import { startMode, stopMode } from '../../src/lib/contest/mode.ts';
import { changeMode, readMode } from '../../src/lib/contest/table.ts';
import type { RunningDaemon } from '../../src/lib/http/daemon.ts';
import { ask, fillSite } from '../lib/presence/support.ts';
import { needs } from '../support/needs.ts';
import { startDaemonProcess, type TestProcess } from '../support/processes.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';
import { makeWires, type Wires } from '../support/wires.ts';

const OUTSIDE = '203.0.113.9';
const SESSIONS = [
  ['u1', 'm1'],
  ['boss', 'm2'],
];

describe('contest mode at the firewall, with real packets', function () {
  this.timeout(60_000);
  let wires: Wires;
  let test: TestSite;
  let contestsync: RunningDaemon;
  let beats: NodeJS.Timeout | undefined;
  let firewall: TestProcess | undefined;
  const daemons: RunningDaemon[] = [];

  before(async function () {
    needs(this, { nft: 'nftables', ip: 'iproute2', busybox: 'busybox-static' });
    const seat = (name: string, address: string) => ({
      ...{ name, address, gateway: '192.168.1.254/23', route: true },
    });
    wires = makeWires([
      seat('m1', '192.168.0.1/23'),
      seat('m2', '192.168.0.2/23'),
      { name: 'outside', address: `${OUTSIDE}/24`, gateway: '203.0.113.1/24', route: true },
    ]);
    test = await makeTestSite({ firewall: { nft: ['ip', 'netns', 'exec', wires.gateway, 'nft'] } });
    await fillSite(test.site, await test.store(), 2);
    contestsync = await startContestsync(test.context);
    for (const start of [startMdbsync, startUdbsync, startPresencesync])
      daemons.push(await start(test.context));
    const presence = { url: daemons.at(-1)!.url!, site: test.site };
    for (const [login, hostname] of SESSIONS)
      expect((await ask(presence, 'login', { login, hostname })).status).to.equal(200);
    // As seats do, or their sessions expire.
    beats = setInterval(() => {
      for (const [login, hostname] of SESSIONS)
        void ask(presence, 'heartbeat', { login, hostname }).catch(() => undefined);
    }, 5_000);
    firewall = await startDaemonProcess(test.site.file, 'firewall');
  });
  after(async () => {
    clearInterval(beats);
    await firewall?.kill();
    await contestsync?.close();
    for (const daemon of daemons.reverse()) await daemon.close();
    wires?.remove();
    await test?.remove();
  });

  const nft = (...args: string[]): string =>
    execFileSync('ip', ['netns', 'exec', wires.gateway, 'nft', ...args], { encoding: 'utf8' });
  const reaches = (from: string): boolean =>
    wires.run(from, ['busybox', 'ping', '-c', '1', '-W', '1', OUTSIDE]) === 0;
  const applied = async (is: (heard: Heard) => boolean): Promise<void> => {
    for (let tries = 0; tries < 600; tries++) {
      const heard = (await listApplied((await test.store()).knex)).find((one) => one.consumer === 'firewall');
      if (heard && is(heard)) return;
      await sleep(25);
    }
    throw new Error(`never so: ${JSON.stringify(await listApplied((await test.store()).knex))}`);
  };
  const when = (seconds?: number) => ({
    now: new Date(),
    by: 'test',
    ...(seconds === undefined ? {} : { at: new Date(Date.now() + seconds * 1000).toISOString() }),
  });
  const change = async (how: typeof startMode, seconds?: number): Promise<number> => {
    const store = await test.store();
    return (await changeMode(store, 'test', (mode) => how(mode, when(seconds)))).epoch;
  };

  it('before, contestants and organisers get out', async () => {
    await applied(({ epoch, phase }) => epoch === 0 && phase === 'off');
    expect([reaches('m1'), reaches('m2')]).to.deep.equal([true, true]);
  });

  it('during, contestants do not; organisers do', async () => {
    const epoch = await change(startMode);
    await applied((heard) => heard.epoch === epoch && heard.phase === 'on' && heard.problem === '');
    expect([reaches('m1'), reaches('m2')]).to.deep.equal([false, true]);
  });

  it('a firewall that is killed closes nothing, opens nothing, and is told of what it missed', async () => {
    await firewall!.kill();
    expect([reaches('m1'), reaches('m2')]).to.deep.equal([false, true]);
    firewall = await startDaemonProcess(test.site.file, 'firewall');
    expect(reaches('m1')).to.equal(false);
    await firewall.kill();
    const epoch = await change(stopMode);
    expect(reaches('m1')).to.equal(false);
    firewall = await startDaemonProcess(test.site.file, 'firewall');
    await applied((heard) => heard.epoch === epoch && heard.phase === 'off');
    expect([reaches('m1'), reaches('m2')]).to.deep.equal([true, true]);
  });

  /** For how many seconds nftables still lends what it lends. */
  const lentFor = (): number => Number(/expires (?:\d+m)?(\d+)s/.exec(nft('list', 'set', 'inet', 'prolo-internet', 'alive'))?.[1]); // prettier-ignore

  it('a firewall that lives goes on lending contestants the internet', async () => {
    await applied(({ phase, problem }) => phase === 'off' && problem === '');
    expect(nft('list', 'set', 'inet', 'prolo-internet', 'alive')).to.include('timeout 1m');
    let before = lentFor();
    for (let tries = 0; tries < 300; tries++) {
      const now = lentFor();
      if (now > before) return;
      before = now;
      await sleep(100);
    }
    throw new Error(`never lent again: ${before}`);
  });

  it('where the firewall is dead as the contest starts, contestants lose the internet once its minute is over; organisers do not', async () => {
    await firewall!.kill();
    await change(startMode);
    expect([reaches('m1'), reaches('m2')]).to.deep.equal([true, true]);
    // The rest of its minute goes by sooner.
    nft('flush set inet prolo-internet alive; add element inet prolo-internet alive { ipv4 timeout 1s }');
    for (let tries = 0; reaches('m1'); tries++) {
      if (tries > 100) throw new Error('still lent');
      await sleep(50);
    }
    expect(reaches('m2')).to.equal(true);
    const epoch = await change(stopMode);
    firewall = await startDaemonProcess(test.site.file, 'firewall');
    await applied((heard) => heard.epoch === epoch && heard.phase === 'off');
    expect(reaches('m1')).to.equal(true);
  });

  it('after a start that it missed, a firewall lets no contestant out even for a moment', async () => {
    await firewall!.kill();
    const epoch = await change(startMode);
    firewall = await startDaemonProcess(test.site.file, 'firewall');
    expect(reaches('m1')).to.equal(false); // nobody, or those who may
    await applied((heard) => heard.epoch === epoch && heard.phase === 'on');
    expect([reaches('m1'), reaches('m2')]).to.deep.equal([false, true]);
    await change(stopMode);
    await applied(({ phase }) => phase === 'off');
  });

  it('a start at a time comes by the firewall’s own clock, also while the feed is gone', async () => {
    const epoch = await change(startMode, 4);
    await applied((heard) => heard.epoch === epoch && heard.phase === 'waiting');
    expect(reaches('m1')).to.equal(true);
    await contestsync.close();
    for (let tries = 0; reaches('m1'); tries++) {
      if (tries > 100) throw new Error('never closed');
      await sleep(100);
    }
    expect(reaches('m2')).to.equal(true);
    contestsync = await startContestsync(test.context);
    await applied((heard) => heard.epoch === epoch && heard.phase === 'on');
    expect((await readMode((await test.store()).knex)).epoch).to.equal(epoch);
  });

  it('a firewall that starts where nobody’s rules are left closes before it has heard of anything', async () => {
    execFileSync('ip', ['netns', 'exec', wires.gateway, 'nft', 'flush', 'ruleset']);
    expect(reaches('m1')).to.equal(true); // without any rules: no firewall at all
    await firewall!.kill();
    firewall = await startDaemonProcess(test.site.file, 'firewall');
    expect(reaches('m1')).to.equal(false);
  });
});
