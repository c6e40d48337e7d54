import { expect } from 'chai';
import type { Home } from '../../src/lib/hfs/protocol.ts';
import { type Association } from '../../src/lib/presence/table.ts';
import { makeToken } from '../../src/lib/rpc/token.ts';
import { serviceUrl } from '../../src/lib/site/site.ts';
import { listUsers } from '../../src/lib/udb/users.ts';
import { homesPackages } from '../support/homes.ts';
import { needs } from '../support/needs.ts';
import { makePamSeat, makePamSite, type PamSeat } from '../support/pam-seat.ts';
import type { TestSite } from '../support/site.ts';

const IP = '10.0.0.1';
/** Accepts, and says nothing; ends with its second client. */
const SILENT = `
let left = 2;
require('net').createServer((one) => one.resume().on('close', () => --left || process.exit())).listen(process.argv[1]);
setTimeout(() => process.exit(), 50000);
`;

describe('the PAM hook', function () {
  this.timeout(90_000);
  let test: TestSite;
  let seat: PamSeat;
  let presenced: { kill(): Promise<void> };

  before(async function () {
    needs(this, {
      ...homesPackages,
      pamtester: 'pamtester',
      curl: 'curl',
      nbdinfo: 'libnbd-bin',
      ip: 'iproute2',
      unshare: 'util-linux',
    });
    if (process.getuid?.() !== 0) this.skip();
    test = await makePamSite(['u001', 'u002', 'u003']);
    const store = await test.store();
    const uids = Object.fromEntries((await listUsers(store.knex)).map(({ login, uid }) => [login, uid]));
    seat = await makePamSeat({ dir: test.dir, site: test.site, ip: IP, uids: { ...uids, zstray: 10_900 } });
    const socket = test.site.statePath('presenced.sock');
    seat.service('seat', { socket, seconds: 30 });
    seat.service('greeter', { socket, seconds: 30, prefix: '/usr/bin/env PROLO_GREETER=1 ' });
    seat.service('nobody', { socket: test.site.statePath('none.sock'), seconds: 2 });
    seat.service('silent', { socket: test.site.statePath('silent.sock'), seconds: 2 });
    await seat.start('mdb', 'presencesync', 'hfsdb', 'hfs@0');
    presenced = await seat.start('presenced');
  });
  after(async () => {
    await seat?.stop();
    await test?.remove();
  });

  const here = async (): Promise<string[]> =>
    (await (await test.store()).knex<Association>('presence').select()).map(
      (one) => `${one.login} ${one.hostname}`,
    );
  const mounts = async (): Promise<string> =>
    (await seat.run('sh', '-c', 'grep nbd /proc/mounts || true')).stdout;
  async function expectFree(): Promise<void> {
    expect(await here()).to.deep.equal([]);
    expect(await mounts()).to.equal('');
  }

  it('lets a person in: presence, a home that answers, its mount; and out again', async () => {
    const login = await seat.pam('seat', 'u001', 'acct_mgmt', 'open_session');
    expect(login.said).to.match(/account management done[^]*opened a session/);
    expect(await here()).to.deep.equal(['u001 seat1']);
    expect(await mounts()).to.contain('/dev/nbd0 /home/u001 ');
    expect(await (await test.store()).knex<Home>('homes').first()).to.include({ login: 'u001', hfs: 0 });
    expect((await seat.pam('seat', 'u001', 'close_session')).ok).to.equal(true);
    await expectFree();
  });

  it('progress is JSON for a greeter that asks for it, and for nobody else', async () => {
    const greeter = await seat.pam('greeter', 'u001', 'acct_mgmt', 'open_session', 'close_session');
    expect(greeter.said).to.contain('{"message": "asking for your home", "error": false}\n');
    const login = await seat.pam('seat', 'u001', 'acct_mgmt', 'open_session', 'close_session');
    expect(login.said).not.to.match(/message|asking/);
    await expectFree();
  });

  it('a refusal is a sentence: logged on elsewhere', async () => {
    const form = async (verb: string): Promise<void> => {
      const data = JSON.stringify({ login: 'u001', hostname: 'seat2' });
      const hmac = makeToken(test.site.secret('presencesync.publish'), data, Date.now());
      const url = `${serviceUrl(test.site.config, 'presencesync')}/${verb}`;
      const sent = ['--data-urlencode', `data=${data}`, '--data-urlencode', `hmac=${hmac}`];
      expect((await seat.run('curl', '-sS', '--fail', ...sent, url)).exitCode).to.equal(0);
    };
    await form('login');
    const { ok, said } = await seat.pam('seat', 'u001', 'acct_mgmt');
    expect(ok).to.equal(false);
    expect(said).to.match(/^you are logged on at seat2$/m);
    await form('logout');
    await expectFree();
  });

  it('a refusal is a sentence: not in UDB, though the machine knows the name', async () => {
    const { ok, said } = await seat.pam('seat', 'zstray', 'acct_mgmt');
    expect(ok).to.equal(false);
    expect(said).to.match(/^zstray is not in UDB: ask an organiser$/m);
  });

  it('two logins at once: one of them is in, the other one reads why not', async () => {
    const both = await Promise.all(
      ['u001', 'u002'].map((login) => seat.pam('seat', login, 'acct_mgmt', 'open_session')),
    );
    expect(both.map(({ ok }) => ok).sort()).to.deep.equal([false, true]);
    const [winner, loser] = both[0]!.ok ? ['u001', 1] : ['u002', 0];
    expect(both[loser as number]!.said).to.match(
      new RegExp(`^${winner} is (logging|still logged) on here`, 'm'),
    );
    expect(await here()).to.deep.equal([`${winner} seat1`]);
    await seat.pam('seat', winner as string, 'close_session');
    await expectFree();
  });

  it('a hundred requests at once: each has an answer', async () => {
    const socket = test.site.statePath('presenced.sock');
    const urls = Array.from({ length: 100 }, () => 'http://presenced/account');
    const { stdout } = await seat.run(
      ...[
        'curl',
        '-sS',
        '--parallel',
        '--parallel-max',
        '100',
        '--parallel-immediate',
        '--unix-socket',
        socket,
      ],
      ...['--data', 'user=u003', ...urls],
    );
    expect(stdout.match(/^ok$/gm)).to.have.lengthOf(100);
    expect(await mounts()).to.match(/^[^\n]* \/home\/u003 [^\n]*\n$/);
    await seat.pam('seat', 'u003', 'open_session', 'close_session');
    await expectFree();
  });

  it('PAM_USER of odd characters harms nothing', async () => {
    for (const login of [
      '$(touch /home/x)',
      '`id`',
      '-u',
      '../u001',
      'u001;id',
      'u001\nok',
      '"',
      "'",
      '%s',
      '10000',
    ])
      await seat.pam('seat', login, 'acct_mgmt', 'open_session', 'close_session');
    expect((await seat.run('ls', '-A', '/home')).stdout).not.to.contain('x');
    await expectFree();
  });

  it('what PAM’s environment says is not believed', async () => {
    const { ok } = await seat.pam('-EPATH=/nowhere', '-Ehttp_proxy=http://127.0.0.1:9', 'seat', 'u001', 'acct_mgmt', 'open_session', 'close_session'); // prettier-ignore
    expect(ok).to.equal(true);
    await expectFree();
  });

  it('presenced says nothing: the hook gives up in its time, and a logout never fails', async () => {
    const silent = seat.run(process.execPath, '-e', SILENT, test.site.statePath('silent.sock'));
    await seat.run('sh', '-c', `for i in $(seq 100); do [ -S ${test.site.statePath('silent.sock')} ] && exit; sleep 0.1; done; exit 1`); // prettier-ignore
    const login = await seat.pam('silent', 'u001', 'acct_mgmt');
    expect(login).to.include({ ok: false });
    expect(login.ms).to.be.within(1_900, 20_000);
    expect((await seat.pam('silent', 'u001', 'close_session')).ok).to.equal(true);
    await silent;
  });

  it('presenced is dead: root and others pass, people read a sentence, a logout never fails', async () => {
    expect((await seat.pam('nobody', 'root', 'acct_mgmt', 'open_session', 'close_session')).ok).to.equal(
      true,
    );
    expect((await seat.pam('nobody', 'daemon', 'acct_mgmt', 'open_session')).ok).to.equal(true);
    const { ok, said } = await seat.pam('nobody', 'u001', 'acct_mgmt');
    expect(ok).to.equal(false);
    expect(said).to.match(/^This machine cannot open your home now. Ask an organiser.$/m);
    expect((await seat.pam('nobody', 'u001', 'close_session')).ok).to.equal(true);
  });

  it('presenced is killed at random moments of a login: the next login works', async () => {
    for (const delayMs of [5, 20, 60, 120, 250]) {
      const login = seat.pam('seat', 'u001', 'acct_mgmt', 'open_session');
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await presenced.kill();
      await login;
      presenced = await seat.start('presenced');
      const again = await seat.pam('seat', 'u001', 'acct_mgmt', 'open_session');
      expect(again.ok, again.said).to.equal(true);
      expect((await mounts()).trim().split('\n')).to.have.lengthOf(1);
      await seat.pam('seat', 'u001', 'close_session');
      await expectFree();
    }
  });
});
