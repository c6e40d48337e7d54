import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { start as startContestsync } from '../../src/daemons/contestsync.ts';
import { start as startFirewall } from '../../src/daemons/firewall.ts';
import { start as startMdbsync } from '../../src/daemons/mdbsync.ts';
import { start as startPresencesync } from '../../src/daemons/presencesync.ts';
import { start as startUdbsync } from '../../src/daemons/udbsync.ts';
import { LIST_TABLE, parseSets } from '../../src/lib/firewall/ruleset.ts';
import type { RunningDaemon } from '../../src/lib/http/daemon.ts';
import { changeMachines, listMachines } from '../../src/lib/mdb/machines.ts';
import { ask, fillSite } from '../lib/presence/support.ts';
import { needs } from '../support/needs.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';
import { makeWires, type Wires } from '../support/wires.ts';

const OUTSIDE = '203.0.113.9';

describe('the firewall, with real packets', function () {
  this.timeout(30_000);
  let wires: Wires;
  let test: TestSite;
  let presence: RunningDaemon;
  let udb: RunningDaemon;
  let firewall: RunningDaemon | undefined;
  const daemons: RunningDaemon[] = [];
  const nft = (...args: string[]): string =>
    execFileSync('ip', ['netns', 'exec', wires.gateway, 'nft', ...args], { encoding: 'utf8' });

  before(async function () {
    needs(this, { nft: 'nftables', ip: 'iproute2', busybox: 'busybox-static' });
    const gateway = '192.168.1.254/23';
    const seat = (name: string, address: string) => ({ name, address, gateway, route: true });
    wires = makeWires([
      seat('m1', '192.168.0.1/23'),
      seat('m2', '192.168.0.2/23'),
      seat('stranger', '192.168.0.99/23'),
      { name: 'alien', address: '192.168.250.7/24', gateway: '192.168.250.254/24', route: true },
      { name: 'outside', address: `${OUTSIDE}/24`, gateway: '203.0.113.1/24', route: true },
    ]);
    test = await makeTestSite({
      firewall: { nft: ['ip', 'netns', 'exec', wires.gateway, 'nft'], groups: ['orga', 'root'] },
    });
    await fillSite(test.site, await test.store(), 2);
    const ips = (await listMachines((await test.store()).knex)).map(({ hostname, ip }) => [hostname, ip]);
    expect(ips).to.deep.include(['m1', '192.168.0.1']);
    daemons.push(await startContestsync(test.context));
    daemons.push(await startMdbsync(test.context));
    presence = await startPresencesync(test.context);
    daemons.push(presence);
  });
  after(async () => {
    await firewall?.close();
    for (const daemon of daemons.reverse()) await daemon.close();
    wires?.remove();
    await test?.remove();
  });

  const reaches = (from: string, to = OUTSIDE): boolean =>
    wires.run(from, ['busybox', 'ping', '-c', '1', '-W', '1', to]) === 0;
  const set = (): string[] => [...parseSets(nft(...LIST_TABLE)).internet].sort();
  const until = async (is: () => boolean): Promise<void> => {
    for (let tries = 0; !is(); tries++) {
      if (tries > 400) throw new Error(`never so: ${set().join(' ')}`);
      await sleep(20);
    }
  };
  const login = (verb: string, who: string, hostname: string) =>
    ask({ url: presence.url!, site: test.site }, verb, { login: who, hostname });

  it('lets nobody out until all feeds have spoken', async () => {
    await login('login', 'boss', 'm1');
    expect(reaches('m1')).to.equal(true); // without it
    firewall = await startFirewall(test.context);
    await sleep(500); // three of four feeds are there
    expect(set()).to.deep.equal([]);
    expect(reaches('m1')).to.equal(false);
    udb = await startUdbsync(test.context);
    daemons.push(udb);
    await until(() => set().includes('192.168.0.1'));
    expect(reaches('m1')).to.equal(true);
  });

  it('what gets out has the gateway’s own address: outside knows no way to the site', () => {
    wires.run('outside', ['ip', 'route', 'del', 'default']);
    expect(reaches('m1')).to.equal(true);
    wires.run('outside', ['ip', 'route', 'add', 'default', 'via', '203.0.113.1']);
  });

  const nftHasTable = (): boolean => nft('list', 'tables').includes('prolo');

  it('an organiser gets out from where they sit, as long as they sit there; a contestant, a stranger and an alien never', async () => {
    expect((await login('login', 'u1', 'm2')).status).to.equal(200);
    expect(reaches('m2')).to.equal(false);
    expect(reaches('stranger')).to.equal(false);
    expect(reaches('alien')).to.equal(false);
    await login('logout', 'boss', 'm1');
    await until(() => set().length === 0);
    expect(reaches('m1')).to.equal(false);
  });

  it('machines reach each other through the gateway’s networks, aliens only the gateway; nobody comes in from outside', () => {
    expect(reaches('m1', '192.168.1.254')).to.equal(true);
    expect(reaches('alien', '192.168.250.254')).to.equal(true);
    expect(reaches('alien', '192.168.0.1')).to.equal(false);
    expect(reaches('outside', '192.168.0.1')).to.equal(false);
  });

  it('who writes an address that is not the site’s sends nothing out', () => {
    const arrived = (): number =>
      Number(
        execFileSync('ip', ['netns', 'exec', wires.of('outside'), 'cat', '/proc/net/snmp'], {
          encoding: 'utf8',
        })
          .match(/^Icmp: (\d.*)$/m)![1]!
          .split(' ')[0],
      );
    const sysctl = ['busybox', 'sysctl', '-w', 'net.ipv4.conf.all.rp_filter=0'];
    execFileSync('ip', ['netns', 'exec', wires.gateway, ...sysctl]);
    wires.run('m2', ['ip', 'addr', 'add', '198.51.100.5/32', 'dev', 'eth0']);
    const before = arrived();
    expect(
      wires.run('m2', ['busybox', 'ping', '-c', '1', '-W', '1', '-I', '198.51.100.5', OUTSIDE]),
    ).not.to.equal(0);
    expect(arrived()).to.equal(before);
  });

  it('a machine that changes its type or address is judged anew', async () => {
    await login('login', 'boss', 'm1');
    await until(() => set().includes('192.168.0.1'));
    await changeMachines(await test.store(), test.site.config, 'test', (now) => ({
      wishes: [{ machine: now.find(({ hostname }) => hostname === 'm1')!, input: { ip: '192.168.0.99' } }],
    }));
    await until(() => set().join() === '192.168.0.99');
    expect(reaches('m1')).to.equal(false);
    expect(reaches('stranger')).to.equal(true);
  });

  it('rules that somebody else flushed are told again, and a restart closes nothing for good', async () => {
    nft('flush', 'ruleset');
    await login('logout', 'boss', 'm1');
    await login('login', 'boss', 'm1');
    await until(() => nftHasTable() && set().length === 1);
    expect(reaches('m2')).to.equal(false);
    await firewall!.close();
    expect(set()).to.deep.equal(['192.168.0.99']);
    firewall = await startFirewall(test.context);
    await until(() => set().length === 1);
  });
});
