import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Walk } from '../../src/lib/doctor/login/walk.ts';
import { listPresence } from '../../src/lib/presence/table.ts';
import { makeToken } from '../../src/lib/rpc/token.ts';
import { serviceUrl } from '../../src/lib/site/site.ts';
import { addUser, listUsers } from '../../src/lib/udb/users.ts';
import { homesPackages } from '../support/homes.ts';
import { type LoginSeat, makeLoginSeat } from '../support/login-seat.ts';
import { needs } from '../support/needs.ts';
import { makePamSite } from '../support/pam-seat.ts';
import type { TestSite } from '../support/site.ts';

const IP = '10.0.0.1';
const PASSWORD = 'correct horse';

describe('prolo doctor login: a test account goes in and out at a seat', function () {
  this.timeout(180_000);
  let test: TestSite;
  let seat: LoginSeat;
  const daemons = new Map<string, { kill(): Promise<void> }>();

  const start = async (name: string): Promise<void> => {
    daemons.set(name, await seat.pam.start(name));
  };
  const kill = async (name: string): Promise<void> => daemons.get(name)!.kill();
  const doctor = (...argv: string[]) =>
    seat.prolo(['doctor', 'login', '--json', '--yes', '--login', 'ztest', ...argv]);
  async function walk(...argv: string[]): Promise<Walk & { status: number; fix: string | undefined }> {
    const { exitCode, stdout, stderr } = await doctor('seat1', ...argv);
    const { checks, seats } = JSON.parse(stdout) as {
      checks: { findings: { fix?: string }[] }[];
      seats: Walk[];
    };
    expect(seats, stdout + stderr).to.have.lengthOf(1);
    return { ...seats[0]!, status: exitCode, fix: checks[0]!.findings[0]!.fix };
  }
  /** That it stops there, and leaves nothing behind. */
  async function expectStop(step: string, said: RegExp, ...argv: string[]): Promise<Walk> {
    const one = await walk(...argv);
    expect(one.stopped?.step, JSON.stringify(one)).to.equal(step);
    expect(one.stopped!.said).to.match(said);
    expect(one.status).to.equal(1);
    expect(one.fix).to.be.a('string');
    expect(one.left).to.equal(undefined);
    expect((await seat.pam.run('sh', '-c', 'grep nbd /proc/mounts || true')).stdout).to.equal('');
    return one;
  }

  before(async function () {
    needs(this, {
      ...homesPackages,
      '/usr/sbin/sshd': 'openssh-server',
      'ssh-keygen': 'openssh-client',
      curl: 'curl',
      nbdinfo: 'libnbd-bin',
      nft: 'nftables',
      ip: 'iproute2',
      unshare: 'util-linux',
    });
    if (process.getuid?.() !== 0) this.skip();
    test = await makePamSite(['zother', 'znew'], {
      ssh: { port: 2222, identity: 'seat/identity', connectSeconds: 10 },
    });
    const store = await test.store();
    const { config } = test.site;
    await addUser(store, config, 'test', { login: 'ztest', group: 'user', password: PASSWORD }, test.site.secret('passwords.key')); // prettier-ignore
    const known = (await listUsers(store.knex)).filter(({ login }) => login !== 'znew');
    const uids = Object.fromEntries(known.map(({ login, uid }) => [login, uid]));
    seat = await makeLoginSeat({
      dir: test.dir,
      site: test.site,
      ip: IP,
      port: 2222,
      uids,
      password: PASSWORD,
    });
    for (const name of ['mdb', 'presencesync', 'hfsdb', 'hfs@0', 'presenced']) await start(name);
  });
  after(async () => {
    await seat?.pam.stop();
    await test?.remove();
  });

  it('all is well: in and out, with the password that UDB has, and nothing is left', async () => {
    const one = await walk();
    expect(one.stopped, JSON.stringify(one)).to.equal(undefined);
    expect(one.status).to.equal(0);
    expect(one.passed).to.deep.equal(
      'ssh free passwd presenced password account hook presence granted home nbd mount session writable released gone'.split(' '), // prettier-ignore
    );
    expect(await listPresence((await test.store()).knex)).to.deep.equal([]);
  });

  it('says it on a page too', async () => {
    const { stdout, exitCode } = await seat.prolo(['doctor', 'login', 'seat1', '--yes', '--login', 'ztest']);
    expect(stdout).to.match(
      /^green {3}login {2}seat1: in and out, at home within \d+\.\d s\n\n1 check: 1 green\n$/,
    );
    expect(exitCode).to.equal(0);
  });

  it('a wrong password', async () => {
    const file = join(test.dir, 'wrong');
    writeFileSync(file, 'wrong\n', { mode: 0o600 });
    const one = await expectStop('password', /^it is refused$/, '--password-file', file);
    expect(one.passed).to.deep.equal(['ssh', 'free', 'passwd', 'presenced']);
  });

  it('an account that the seat does not know, and one that UDB does not know', async () => {
    const password = join(test.dir, 'password');
    writeFileSync(password, `${PASSWORD}\n`, { mode: 0o600 });
    const flags = ['doctor', 'login', 'seat1', '--json', '--yes', '--password-file', password];
    const late = await seat.prolo([...flags, '--login', 'znew']);
    expect((JSON.parse(late.stdout) as { seats: Walk[] }).seats[0]!.stopped!.step).to.equal('passwd');
    const none = await seat.prolo([...flags, '--login', 'nobody-such']);
    expect(none.exitCode).to.not.equal(0);
    expect(none.stdout).to.match(/user nobody-such: not in UDB/);
  });

  it('presencesync is dead; presence is refused; the account is logged on elsewhere', async () => {
    await kill('presencesync');
    await expectStop('presence', /the gateway does not answer/);
    await start('presencesync');
    const form = async (verb: string, login: string, hostname: string): Promise<void> => {
      const data = JSON.stringify({ login, hostname });
      const hmac = makeToken(test.site.secret('presencesync.publish'), data, Date.now());
      const url = `${serviceUrl(test.site.config, 'presencesync')}/${verb}`;
      const sent = ['--data-urlencode', `data=${data}`, '--data-urlencode', `hmac=${hmac}`];
      expect((await seat.pam.run('curl', '-sS', '--fail', ...sent, url)).exitCode).to.equal(0);
    };
    await form('login', 'zother', 'seat1');
    await expectStop('granted', /zother is logged on/);
    await form('logout', 'zother', 'seat1');
    await form('login', 'ztest', 'seat2');
    await expectStop('free', /^ztest is logged on at seat2$/);
    await form('logout', 'ztest', 'seat2');
  });

  it('somebody is logged on at the seat, who is left alone', async () => {
    seat.pam.service('seat', { socket: test.site.statePath('presenced.sock'), seconds: 30 });
    expect((await seat.pam.pam('seat', 'zother', 'acct_mgmt', 'open_session')).ok).to.equal(true);
    const one = await walk();
    expect(one.stopped).to.deep.equal({ step: 'free', said: 'zother is logged on there' });
    expect((await seat.pam.run('cat', '/proc/mounts')).stdout).to.contain('/home/zother ');
    await seat.pam.pam('seat', 'zother', 'close_session');
  });

  it('hfsdb is dead', async () => {
    await kill('hfsdb');
    const one = await expectStop('home', /./);
    expect(one.passed.at(-1)).to.equal('granted');
    await start('hfsdb');
  });

  it('NBD is blocked', async () => {
    const ports = test.site.config.hfs.ports;
    const rules = `add table inet blocked; add chain inet blocked input { type filter hook input priority 0; }; add rule inet blocked input tcp dport ${ports} tcp flags & (syn | ack) == syn reject with tcp reset`; // prettier-ignore
    expect((await seat.pam.run('nft', rules)).exitCode).to.equal(0);
    await expectStop('nbd', /nbd-client/).finally(() =>
      seat.pam.run('nft', 'delete', 'table', 'inet', 'blocked'),
    );
  });

  it('a home that cannot be mounted, and one that cannot be written to', async () => {
    seat.mount('#!/bin/sh\necho "mount: wrong fs type" >&2\nexit 32\n');
    await expectStop('mount', /wrong fs type/);
    seat.mount('#!/bin/sh\nexec /bin/mount -t tmpfs -o mode=755,ro "$5" "$6"\n');
    await expectStop('writable', /it cannot write there/);
    seat.mount();
  });

  it('PAM without the hook, and presenced dead', async () => {
    seat.hook(undefined);
    await expectStop('hook', /presenced was not asked/).finally(() =>
      seat.hook(test.site.statePath('presenced.sock')),
    );
    await kill('presenced');
    await expectStop('presenced', /it does not answer/);
    await start('presenced');
  });

  it('Ctrl-C in the middle: it is logged out, and nothing is left', async () => {
    seat.mount('#!/bin/sh\nsleep 1.5\n/bin/mount -t tmpfs -o mode=755 "$5" "$6" && chown "${6##*/}" "$6"\n');
    const going = seat.prolo(['doctor', 'login', 'seat1', '--json', '--yes', '--login', 'ztest']);
    const pid = async () =>
      (await seat.pam.run('pgrep', '-f', 'run.js doctor login')).stdout.trim().split('\n')[0]!;
    for (let tries = 0; (await listPresence((await test.store()).knex)).length === 0; tries++) {
      if (tries > 300) throw new Error('it does not begin');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await seat.pam.run('kill', '-INT', await pid());
    const { stdout, exitCode } = await going;
    expect(exitCode, stdout).to.equal(1);
    expect((JSON.parse(stdout) as { seats: Walk[] }).seats[0]!.stopped).to.include({
      said: 'not waited for',
    });
    seat.mount();
    const one = await walk();
    expect(one.stopped, JSON.stringify(one)).to.equal(undefined);
    expect(await listPresence((await test.store()).knex)).to.deep.equal([]);
  });
});
