import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { expect } from 'chai';
import { noteApplied } from '../../src/lib/contest/applied.ts';
import type { Probe } from '../../src/lib/contest/probe.ts';
import { prolo } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { makeSshSite, type SshSite, sshPackages } from '../support/ssh-site.ts';

describe('prolo contest status --probe', function () {
  this.timeout(60_000);
  let site: SshSite;
  let server: Server;
  let plain: string;
  before(async function () {
    needs(this, { ...sshPackages, bash: 'bash', timeout: 'coreutils' });
    site = await makeSshSite({ machines: 3, change: (n) => (n === 3 ? { ip: '127.0.1.104' } : {}) });
    server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const store = await site.test.store();
    plain = readFileSync(site.test.site.file, 'utf8');
    await store.knex('users').insert({
      ...{ login: 'u1', uid: 10_001, group: 'user', firstname: 'u', lastname: '', shell: '/bin/bash' },
      ...{ ssh_key: '', password_hash: '$6$abcdefgh$aaaaaaaa' },
    });
    const since = new Date().toISOString();
    await store.knex('presence').insert({ login: 'u1', hostname: 'pas-r01p01', ip: '127.0.1.1', since });
  });
  after(async () => {
    server?.close();
    await site?.stop();
  });
  const run = (...args: string[]) => prolo(['contest', ...args], { config: site.test.site.file });
  const tries = (target: string): void =>
    writeFileSync(site.test.site.file, `${plain}contest: { probe: "${target}" }\n`);
  const probe = async (...words: string[]) => {
    const result = await run('status', '--json', ...words.flatMap((word) => ['--probe', word]));
    return { status: result.status, ...(JSON.parse(result.stdout) as { probes: Probe[] }) };
  };
  const applied = async (epoch: number, phase: 'off' | 'on') =>
    noteApplied(await site.test.store(), { consumer: 'firewall', epoch, phase, problem: '' }, new Date());

  it('without an address to try says what to set', async () => {
    const { status, stderr } = await run('status', '--probe', '@all');
    expect(status).to.equal(3);
    expect(stderr).to.include('contest.probe: not set');
  });

  it('has each seat try, and knows what each should find', async () => {
    tries(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    await applied(0, 'off');
    const one = await probe('pas-r01p01');
    expect(one.probes).to.deep.equal([{ hostname: 'pas-r01p01', reached: true, wanted: true, words: '' }]);
    expect(one.status).to.equal(0);
    const all = await probe('@all');
    expect(all.status).to.equal(1); // nobody is logged on at the second, and the third does not answer
    expect(all.probes.map(({ reached, wanted }) => [reached, wanted])).to.deep.equal([
      [true, true],
      [true, false],
      [null, false],
    ]);
  });

  it('finds the contestant’s seat that is open while the contest runs, and is content with one that is closed', async () => {
    await run('start', '--yes');
    await applied(1, 'on');
    const open = await run('status', '--probe', 'pas-r01p01');
    expect(open.status).to.equal(1);
    expect(open.stdout).to.match(/pas-r01p01 +yes +no +not as it should be/);
    tries('255.255.255.255:443'); // nobody connects to all
    const closed = await probe('pas-r01p01');
    expect(closed.probes[0]).to.include({ reached: false, wanted: false });
    expect(closed.status).to.equal(0);
  });
});
