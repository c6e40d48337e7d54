import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { loadDaemon } from '../../../src/daemons/registry.ts';
import { changeMode } from '../../../src/lib/contest/table.ts';
import { startMode, stopMode } from '../../../src/lib/contest/mode.ts';
import type { RunningDaemon } from '../../../src/lib/http/daemon.ts';
import { changeUsers } from '../../../src/lib/udb/users.ts';
import { needs } from '../../support/needs.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';
import { makeWires, type Wires } from '../../support/wires.ts';
import { ask, fillSite } from '../presence/support.ts';
import { complaints, doctor } from './support.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3Ht3EENxCTAAXTV0KmbbjL1Dn1UZoEJyJZyUeVwqHM';
const FEEDS = ['contestsync', 'mdbsync', 'udbsync', 'presencesync'];

describe('the doctor finds consumers that lag: firewall, passwd, rootssh, contest', function () {
  this.timeout(90_000);
  let wires: Wires;
  let test: TestSite;
  const daemons = new Map<string, RunningDaemon>();

  const start = async (name: string): Promise<void> => {
    daemons.set(name, await (await loadDaemon(name)).start(test.context));
  };
  const stop = async (name: string): Promise<void> => {
    await daemons.get(name)?.close();
    daemons.delete(name);
  };
  const look = async (name: string): Promise<string[]> => complaints(await doctor(test.site.file, name));
  /** Those who follow have a moment: what is well in the end is what counts. */
  async function untilWell(name: string): Promise<void> {
    for (let tries = 0; (await look(name)).length > 0; tries++) {
      if (tries > 10) throw new Error((await look(name)).join());
      await sleep(200);
    }
  }
  const login = (verb: string, who: string, hostname: string) =>
    ask({ url: daemons.get('presencesync')!.url!, site: test.site }, verb, { login: who, hostname });
  const change = async (decide: typeof startMode): Promise<void> => {
    const wish = { now: new Date(), by: 'test' };
    await changeMode(await test.store(), 'test', (mode) => decide(mode, wish));
  };

  before(async function () {
    needs(this, { nft: 'nftables', ip: 'iproute2', busybox: 'busybox-static' });
    if (process.getuid?.() !== 0) this.skip();
    wires = makeWires([]);
    test = await makeTestSite({
      firewall: { nft: ['ip', 'netns', 'exec', wires.gateway, 'nft'], groups: ['orga', 'root'] },
      accounts: { root: 'host' },
    });
    const host = join(test.dir, 'host');
    for (const dir of ['etc', 'root']) mkdirSync(join(host, dir), { recursive: true });
    for (const name of ['passwd', 'shadow', 'group', 'gshadow'])
      cpSync(join('/etc', name), join(host, 'etc', name));
    await fillSite(test.site, await test.store(), 2);
    await people('zoe', 'max');
    for (const name of [...FEEDS, 'firewall', 'passwd', 'rootssh']) await start(name);
  });
  after(async () => {
    for (const name of [...daemons.keys()].reverse()) await stop(name);
    wires?.remove();
    await test?.remove();
  });

  async function people(...logins: string[]): Promise<void> {
    const password = { hash: '$6$rounds=1000$salt$0123456789', sealed: null };
    await changeUsers(await test.store(), test.site.config, 'test', () => ({
      wishes: logins.map((one) => ({ input: { login: one, group: 'root', password, ssh_key: KEY } })),
    }));
  }

  it('nothing, where all of them follow', async () => {
    await login('login', 'boss', 'm1');
    for (const name of ['firewall', 'accounts', 'contest']) await untilWell(name);
  });

  it('a firewall that has stopped: somebody who left is still let out, somebody who came is not', async () => {
    await stop('firewall');
    await login('logout', 'boss', 'm1');
    await login('login', 'boss', 'm2');
    const said = await look('firewall');
    expect(said).to.deep.equal([
      'red: reaches the internet and may not: m1',
      'red: may reach the internet and does not: m2',
    ]);
    await start('firewall');
    await untilWell('firewall');
  });

  it('a firewall that has stopped before the contest starts: contest names it', async () => {
    await stop('firewall');
    await change(startMode);
    expect((await look('contest')).join()).to.match(/^red: contest on: firewall has not done it yet/);
    await start('firewall');
    await untilWell('contest');
    await untilWell('firewall');
    await change(stopMode);
    await untilWell('contest');
  });

  it('rules that somebody has flushed', async () => {
    await stop('firewall');
    const nft = ['netns', 'exec', wires.gateway, 'nft', 'flush', 'ruleset'];
    execFileSync('ip', nft);
    expect((await look('firewall')).join()).to.match(/^red: its rules are not loaded: /);
    await start('firewall');
    await untilWell('firewall');
  });

  it('accounts and keys that UDB has and this host has not, and a line that somebody changed', async () => {
    await stop('passwd');
    await stop('rootssh');
    await people('ada');
    expect(await look('accounts')).to.deep.equal([
      'red: passwd: not as in UDB: ada',
      'red: rootssh: not as in UDB: ada',
    ]);
    await start('passwd');
    await start('rootssh');
    await untilWell('accounts');
    await stop('passwd');
    const passwd = join(test.dir, 'host/etc/passwd');
    writeFileSync(passwd, readFileSync(passwd, 'latin1').replace(/^(zoe:.*):[^:\n]*$/m, '$1:/bin/false'));
    expect(await look('accounts')).to.deep.equal(['red: passwd: not as in UDB: zoe']);
    await start('passwd');
    await untilWell('accounts');
  });
});
