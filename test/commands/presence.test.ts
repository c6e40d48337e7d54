import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { start } from '../../src/daemons/presencesync.ts';
import type { RunningDaemon } from '../../src/lib/http/daemon.ts';
import { silentLog } from '../../src/lib/log.ts';
import { ask, auditLines, fillSite, getList } from '../lib/presence/support.ts';
import { prolo, proloBin } from '../support/cli.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

describe('prolo presence', function () {
  this.timeout(60_000);
  let test: TestSite & { url: string };
  let daemon: RunningDaemon | undefined;
  let fake: ChildProcess | undefined;
  beforeEach(async () => {
    const made = await makeTestSite({ presence: { timeoutSeconds: 3 } });
    await fillSite(made.site, await made.store(), 4);
    daemon = await start({ site: made.site, log: silentLog, store: made.store });
    test = { ...made, url: daemon.url! };
  });
  afterEach(async () => {
    if (fake && fake.exitCode === null && fake.signalCode === null) {
      fake.kill('SIGKILL');
      await once(fake, 'exit');
    }
    fake = undefined;
    await daemon?.close();
    daemon = undefined;
    await test.remove();
  });
  const run = (...args: string[]) => prolo(args, { config: test.site.file });

  it('lists who is where, since when, and in which room', async () => {
    await ask(test, 'login', { login: 'u2', hostname: 'm1' });
    const { stdout, status } = await run('presence', 'list');
    expect(status).to.equal(0);
    expect(stdout.split('\n')[0]).to.match(/^LOGIN +MACHINE +IP +SINCE +ROOM$/);
    expect(stdout.split('\n')[1]).to.match(
      /^u2 +m1 +192\.168\.\d+\.\d+ +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\w+$/,
    );
    const [session] = JSON.parse((await run('presence', 'list', '--json')).stdout) as object[];
    expect(session).to.include({ login: 'u2', hostname: 'm1' }).and.have.keys('login', 'hostname', 'ip', 'since', 'room'); // prettier-ignore
  });

  it('lists who was where at a time, by the address of a connection too', async () => {
    await ask(test, 'login', { login: 'u2', hostname: 'm1' });
    const during = new Date().toISOString();
    await ask(test, 'logout', { login: 'u2', hostname: 'm1' });
    expect((await run('presence', 'list')).stdout.split('\n')).to.have.length(2);
    const all = JSON.parse((await run('presence', 'list', '--at', during, '--json')).stdout) as {
      ip: string;
    }[];
    expect(all).to.have.length(1);
    const { stdout } = await run('presence', 'list', all[0]!.ip, '--at', during);
    expect(stdout).to.match(/^LOGIN +MACHINE +IP +SINCE +UNTIL\nu2 +m1 /);
    const strange = await run('presence', 'list', '192.0.2.1', '--at', during);
    expect(strange.stdout.trimEnd().split('\n')).to.have.length(1);
    expect(strange.stderr).to.equal('192.0.2.1: nobody was logged on there\n');
    expect((await run('presence', 'list', '--at', 'noon')).status).to.equal(2);
  });

  it('takes and shows times of this host; of one to come nobody knows', async () => {
    await ask(test, 'login', { login: 'u2', hostname: 'm1' });
    const now = new Date();
    const [session] = JSON.parse(
      (await run('presence', 'list', '--at', now.toISOString(), '--json')).stdout,
    ) as { since: string }[];
    const since = new Date(session!.since);
    for (const [TZ, hours] of [
      ['UTC-5', 5],
      ['UTC+3', -3],
    ] as const) {
      // prettier-ignore
      const there = (time: Date): string =>
        new Date(time.getTime() + hours * 3_600_000).toISOString().replace(/T|Z/g, ' ').trim();
      const { stdout } = await prolo(['presence', 'list', 'm1', '--at', there(now)], {
        ...{ config: test.site.file, env: { TZ } },
      });
      expect(stdout, TZ).to.match(new RegExp(`\\nu2 +m1 +\\S+ +${there(since).slice(0, 19)} +-\n`));
    }
    const later = await run('presence', 'list', '--at', new Date(Date.now() + 60_000).toISOString());
    expect(later).to.include({ status: 2, stdout: '' });
    expect(later.stderr).to.include('it has not come yet');
  });

  it('logs out through the daemon, which tells everybody; the audit has who asked', async () => {
    await ask(test, 'login', { login: 'u1', hostname: 'm1' });
    await ask(test, 'login', { login: 'u2', hostname: 'm2' });
    expect(await run('presence', 'logout', 'u1', 'u2')).to.deep.include({
      status: 0,
      stdout: 'u1: logged out of m1\nu2: logged out of m2\n',
    });
    expect(await getList(test)).to.deep.equal({});
    expect((await ask(test, 'heartbeat', { login: 'u1', hostname: 'm1' })).status).to.equal(423);
    const logouts = (await auditLines(await test.store())).filter((line) => line.includes('logout'));
    expect(logouts[0]).to.equal('presencesync 127.0.0.1 | presence logout: u1 at m1');
    expect(logouts[1]).to.match(/^\S+@\S+ \| presence logout: u1 at m1$/);
  });

  it('logs out in the database where the daemon does not run', async () => {
    await ask(test, 'login', { login: 'u1', hostname: 'm1' });
    await daemon!.close();
    const result = await run('presence', 'logout', 'u1');
    expect(result.stderr).to.include('presencesync does not run');
    expect(result.status).to.equal(0);
    daemon = await start({ site: test.site, log: silentLog, store: () => test.store() });
    expect(await getList(test)).to.deep.equal({});
    expect((await ask(test, 'heartbeat', { login: 'u1', hostname: 'm1' })).status).to.equal(423);
  });

  it('says who is not logged on, and ends nobody else', async () => {
    await ask(test, 'login', { login: 'u1', hostname: 'm1' });
    const result = await run('presence', 'logout', 'u1', 'nobody');
    expect(result).to.include({ status: 4 });
    expect(result.stderr).to.include('login "nobody": not logged on');
    expect(await getList(test)).to.deep.equal({ u1: 'm1' });
  });

  it('is in feed tail and in site log', async () => {
    await ask(test, 'login', { login: 'u1', hostname: 'm1' });
    expect((await run('feed', 'tail', 'presence', '--once')).stdout).to.equal('created u1 m1\n');
    expect((await run('site', 'log', '--of', 'presence')).stdout).to.match(
      /presencesync +presence +update u1 at m1/,
    );
    expect((await run('site', 'log', '--of', 'audit')).stdout).to.include('presence login: u1 at m1');
  });

  it('fakepresence sits there for longer than the timeout, then logs everybody out', async () => {
    const env = { ...process.env, PROLO_CONFIG: test.site.file };
    const args = [proloBin, 'dev', 'fakepresence', 'u1', 'm3', '--count', '2'];
    fake = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    await new Promise<void>((resolve, reject) => {
      fake!.once('exit', () => reject(new Error(`it ended: ${output}`)));
      fake!.stdout!.on('data', (part: Buffer) => {
        output += part.toString();
        if (/^ready$/m.test(output)) resolve();
      });
    });
    const before = await getList(test);
    expect(Object.keys(before)).to.have.length(3);
    expect(before.u1).to.equal('m3');
    await new Promise((resolve) => setTimeout(resolve, 4_200)); // longer than the timeout: nothing may happen
    expect(await getList(test)).to.deep.equal(before);
    fake.removeAllListeners('exit');
    const ended = once(fake, 'exit');
    fake.kill('SIGINT');
    expect((await ended)[0]).to.equal(0);
    expect(await getList(test)).to.deep.equal({});
  });

  it('fakepresence says what it is refused, and what it does not understand', async () => {
    await ask(test, 'login', { login: 'u1', hostname: 'm1' });
    const refused = await run('dev', 'fakepresence', 'u2@m1');
    expect(refused).to.deep.include({ status: 1, stdout: 'u2 at m1: u1 is logged on at m1\n' });
    expect(await run('dev', 'fakepresence')).to.include({ status: 2 });
    expect(await run('dev', 'fakepresence', 'nobody')).to.include({ status: 4 });
    const short = await run('dev', 'fakepresence', 'u2@m2', '--for', '1');
    expect(short).to.include({ status: 0 });
    await ask(test, 'login', { login: 'u1', hostname: 'm1' }); // nobody sent heartbeats meanwhile
    expect(await getList(test)).to.deep.equal({ u1: 'm1' });
  });
});
