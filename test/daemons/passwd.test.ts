import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { build } from 'esbuild';
import { start as startUdbsync } from '../../src/daemons/udbsync.ts';
import { siteLogins } from '../../src/lib/accounts/etc.ts';
import { linesOf } from '../../src/lib/accounts/own-lines.ts';
import type { RunningDaemon } from '../../src/lib/http/daemon.ts';
import { commit } from '../../src/lib/rfs/commit.ts';
import { stagingOf } from '../../src/lib/rfs/staging.ts';
import { sha512Crypt } from '../../src/lib/udb/sha-crypt.ts';
import { changeUsers, listUsers } from '../../src/lib/udb/users.ts';
import { type AccountHost, makeAccountHost } from '../support/account-host.ts';
import { needs } from '../support/needs.ts';
import { startDaemonProcess, type TestProcess } from '../support/processes.ts';
import { kernelTreeOfLab, makeStaging, needsKernel } from '../support/rfs.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

const PASSWORD = 'correct horse';
const ZOE = sha512Crypt(PASSWORD, 'salt', 1000);
const REWRITES = 200;
const KILLS = 50;

describe('passwd', function () {
  this.timeout(300_000);
  let test: TestSite;
  let host: AccountHost;
  let udbsync: RunningDaemon | undefined;
  let daemon: TestProcess | undefined;

  beforeEach(async function () {
    needs(this, { pamtester: 'pamtester', unshare: 'util-linux', useradd: 'passwd', pwck: 'passwd' });
    if (process.getuid?.() !== 0) this.skip();
    test = await makeTestSite({
      accounts: { root: 'host/root' },
      rfs: { staging: 'staging', dir: 'versions' },
    });
    host = await makeAccountHost(join(test.dir, 'host'));
    await people(['zoe', 'max', 'ada']);
    udbsync = await startUdbsync(test.context);
  });
  afterEach(async () => {
    await daemon?.kill();
    daemon = undefined;
    await udbsync?.close();
    await host?.stop();
    await test?.remove();
  });

  /** All of UDB is these. */
  async function people(logins: readonly string[], seed = ''): Promise<void> {
    const store = await test.store();
    await changeUsers(store, test.site.config, 'test', (current) => ({
      wishes: logins.map((login) => {
        const user = current.find((one) => one.login === login);
        const hash = login === 'zoe' ? ZOE : `$6$rounds=1000$${seed || 'salt'}$0123456789`;
        const group = login === 'max' ? 'root' : 'user';
        return { input: { login, group, password: { hash, sealed: null } }, ...(user ? { user } : {}) };
      }),
      remove: current.filter(({ login }) => !logins.includes(login)),
    }));
  }
  const startDaemon = async () => (daemon = await startDaemonProcess(test.site.file, 'passwd'));
  const etc = () => join(host.root, 'etc');
  const passwd = () => host.text('etc/passwd');
  const logins = () => siteLogins(test.site.config, passwd());
  async function until(done: () => boolean, what: string, ms = 60_000): Promise<void> {
    const deadline = performance.now() + ms;
    while (!done()) {
      if (performance.now() > deadline) throw new Error(`never: ${what}`);
      await sleep(10);
    }
  }

  it('SADM issue 169: while the files are rewritten hundreds of times, versions are committed and others add accounts, no check of an account fails', async function () {
    needsKernel(this);
    const staging = stagingOf(test.site);
    await makeStaging(staging, kernelTreeOfLab());
    const system = passwd();
    await startDaemon();
    await until(() => logins().length === 3, 'accounts');
    await daemon!.kill();
    const names = watchRenames(etc());
    const probes = [1, 2, 3].map(() => host.probe('zoe', PASSWORD));
    // From the first instant of its start.
    await startDaemon();
    const others = (async () => {
      for (let n = 0; n < 10; n++) {
        const { exitCode, stderr } = await host.run([
          'useradd',
          '-M',
          '-N',
          '-K',
          'UID_MIN=2000',
          `other${n}`,
        ]);
        expect(exitCode, stderr).to.equal(0);
      }
    })();
    const commits = (async () => {
      for (let n = 0; n < 3; n++) {
        writeFileSync(join(staging, 'etc/motd'), `${n}\n`);
        const options = { message: `number ${n}`, actor: 'test', at: new Date(), partial: false };
        expect((await commit(test.site, await test.store(), options)).version).to.equal(n + 1);
      }
    })();
    for (let round = 0; names.of('passwd') < REWRITES && round < 3 * REWRITES; round++) {
      const before = names.of('passwd');
      await people(['zoe', 'max', `u${round}`], `s${round}`);
      await until(() => names.of('passwd') > before, 'a rewrite');
    }
    await Promise.all([others, commits]);
    const results = await Promise.all(probes.map((probe) => probe.stop()));
    names.stop();
    expect(results.flatMap(({ failures }) => failures)).to.deep.equal([]);
    const checks = results.reduce((sum, one) => sum + one.checks, 0);
    expect(checks).to.be.greaterThan(REWRITES);
    console.log(`        ${names.of('passwd')} rewrites, ${checks} checks`);
    expect(linesOf(passwd()).filter((line) => line.startsWith('other'))).to.have.length(10);
    expect(linesOf(passwd()).filter((line) => linesOf(system).includes(line))).to.deep.equal(linesOf(system));
    expect((await host.run(['pwck', '-r', '-q'])).exitCode).to.equal(0);
  });

  it('killed again and again in the middle of writing, it leaves whole files, and nothing that blocks the next', async () => {
    const system = linesOf(passwd());
    await people(['zoe', 'max', 'ada', 'eve', 'bob', 'tom']);
    const users = join(test.dir, 'users.json');
    writeFileSync(users, JSON.stringify(await listUsers((await test.store()).knex)));
    const writer = await bundleWriter(test.dir);
    let kills = 0;
    for (let round = 0; round < KILLS; round++) {
      const writing = whenWriting(etc());
      const one = spawn(process.execPath, [writer, test.site.file, users], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, NODE_PATH: join(import.meta.dirname, '../../node_modules') },
      });
      const ended = new Promise<void>((resolve) => one.once('exit', () => resolve()));
      await Promise.race([writing, ended]);
      await sleep(Math.random() * 60);
      if (one.kill('SIGKILL')) kills++;
      await ended;
      mustBeWhole(system);
    }
    expect(kills).to.equal(KILLS);
    await people(['zoe', 'ada']);
    await startDaemon();
    await until(() => logins().join() === 'zoe,ada' || logins().join() === 'ada,zoe', 'the last state');
    await until(() => !readdirSync(etc()).some((name) => name.endsWith('.prolo-new')), 'no temporary file');
    expect((await host.run(['useradd', '-M', '-N', 'afterwards'])).exitCode).to.equal(0);
    expect((await host.run(['pwck', '-r', '-q'])).exitCode).to.equal(0);
  });

  function mustBeWhole(system: readonly string[]): void {
    const lines = linesOf(passwd());
    expect(passwd().endsWith('\n')).to.equal(true);
    expect(lines.filter((line) => line.split(':').length !== 7)).to.deep.equal([]);
    expect(lines.filter((line) => system.includes(line))).to.deep.equal(system);
    const shadow = new Map(
      linesOf(host.text('etc/shadow')).map((line) => [line.split(':')[0]!, line.split(':')]),
    );
    for (const login of logins()) expect(shadow.get(login), login).to.have.length(9);
  }

  it('what another program writes over the files is mended; without udbsync, and without a user in it, accounts stay', async () => {
    const system = passwd();
    await startDaemon();
    await until(() => logins().length === 3, 'accounts');
    writeFileSync(join(etc(), 'passwd'), system); // as a commit did once
    await until(() => logins().length === 3, 'mended');
    await daemon!.kill();
    await udbsync!.close();
    udbsync = undefined;
    const before = passwd();
    await startDaemon();
    await people([]);
    expect(passwd()).to.equal(before);
    udbsync = await startUdbsync(test.context);
    await sleep(3_000); // what must not happen cannot be waited for
    expect(passwd()).to.equal(before);
    await people(['eve']);
    await until(() => logins().join() === 'eve', 'the one that is left');
    expect(host.text('etc/shadow')).not.to.match(/^zoe:/m);
  });

  it('the system keeps an account whose name UDB gives to somebody; it is in the metrics, and others go on', async () => {
    await host.run(['useradd', '-M', '-N', '-K', 'UID_MIN=2000', 'ada']);
    const line = /^ada:.*$/m.exec(passwd())![0];
    await startDaemon();
    await until(() => logins().length === 2, 'the others');
    expect(/^ada:.*$/m.exec(passwd())![0]).to.equal(line);
    const metrics = test.site.statePath('passwd.prom');
    await until(() => existsSync(metrics), 'metrics');
    expect(readFileSync(metrics, 'utf8')).to.match(/^prolo_passwd_clashes 1$/m);
    expect((await host.run(['id', 'max'])).stdout).to.equal('uid=12000(max) gid=12000(prolo-root) groups=12000(prolo-root)\n'); // prettier-ignore
  });
});

/** As one file, which starts in a fraction of the time. */
async function bundleWriter(dir: string): Promise<string> {
  const outfile = join(dir, 'account-writer.cjs');
  await build({
    entryPoints: [join(import.meta.dirname, '../support/account-writer.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    packages: 'external',
    supported: { 'dynamic-import': false },
    logLevel: 'error',
  });
  return outfile;
}

/** Counts renames into a folder, by name. */
function watchRenames(dir: string) {
  const counts = new Map<string, number>();
  const watcher = watch(dir, (event, name) => {
    if (event === 'rename' && name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  return { of: (name: string) => counts.get(name) ?? 0, stop: () => watcher.close() };
}

/** Resolves once a new file is being written. */
function whenWriting(dir: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(dir, (_event, name) => {
      if (!name?.endsWith('.prolo-new')) return;
      watcher.close();
      resolve();
    });
    setTimeout(() => watcher.close(), 60_000).unref();
  });
}
