import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { findLeftovers, isSeatSecrets } from '../../../src/lib/rfs/leftovers.ts';
import { simulateArgv } from '../../../src/lib/rfs/root/init-plan.ts';
import { planInit } from '../../../src/lib/rfs/root/init.ts';
import { prolo, proloBin } from '../../support/cli.ts';
import { needs } from '../../support/needs.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';

const MINUTES = 60_000;
/** So small a root that it is made in half a minute; prolo's Node runs in it. */
const TINY = ['busybox-static', 'dbus', 'libpam-modules', 'libstdc++6', 'locales', 'openssh-server'];

describe('prolo rfs init, shell and install', function () {
  this.timeout(8 * MINUTES);
  let test: TestSite;
  const at = (path: string): string => join(test.dir, 'staging', path);
  const run = (...args: string[]) =>
    prolo(['rfs', ...args], { config: test.site.file, timeoutMs: 6 * MINUTES });
  /** Everything that folders say of staging. */
  const look = (): string =>
    execFileSync('find', [at('.'), '-printf', '%P %y %m %U %G %s %T@ %C@ %l\n'], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 ** 2,
    });

  before(async function () {
    needs(this, { mmdebstrap: 'mmdebstrap', 'systemd-nspawn': 'systemd-container', unshare: 'util-linux' });
    if (process.getuid?.() !== 0) this.skip();
    test = await makeTestSite({ rfs: { staging: 'staging', profiles: [] } });
    mkdirSync(join(test.dir, 'rfs'));
    writeFileSync(join(test.dir, 'rfs/base.txt'), `${TINY.join('\n')}\n`);
    mkdirSync(at('etc'), { recursive: true });
    writeFileSync(at('etc/motd'), 'the one before\n');
  });
  after(() => test?.remove());

  it('killed in the middle, leaves staging as it was, and nothing that still runs', async () => {
    const child = spawn(process.execPath, [proloBin, 'rfs', 'init', '--yes'], {
      env: { ...process.env, PROLO_CONFIG: test.site.file },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const over = new Promise((resolve) => child.once('exit', resolve));
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`it ended by itself: ${said}`)));
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes('staging: sets it up')) resolve();
      });
    }).finally(() => child.kill('SIGKILL'));
    await over;
    const runs = (): string[] =>
      readdirSync('/proc').filter((pid) => {
        try {
          return (
            /^\d+$/.test(pid) &&
            readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(test.dir, 'staging.new'))
          );
        } catch {
          return false;
        }
      });
    for (let i = 0; i < 100 && runs().length > 0; i++) await sleep(100);
    expect(runs()).to.deep.equal([]);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.to.contain(test.dir);
    expect(readFileSync(at('etc/motd'), 'utf8')).to.equal('the one before\n');
    expect(existsSync(join(test.dir, 'staging.new'))).to.equal(true);
  });

  it('asks before it replaces what is there', async () => {
    const { status, stderr } = await run('init');
    expect(status).to.equal(2);
    expect(stderr).to.match(/replace .*staging.*\? what was changed.*nobody is at the terminal to ask/s);
    expect(readFileSync(at('etc/motd'), 'utf8')).to.equal('the one before\n');
  });

  it('says which package there is none of, and leaves staging as it was', async () => {
    writeFileSync(join(test.dir, 'rfs/wrong.txt'), 'no-such-package\n');
    const { status, stderr } = await run('init', '--yes', '--profile', 'wrong');
    expect(stderr).to.contain('staging: mmdebstrap: Unable to locate package no-such-package');
    expect(status).to.equal(4);
    expect(existsSync(join(test.dir, 'staging.new'))).to.equal(false);
    expect(existsSync(at('etc/motd'))).to.equal(true);
  });

  it('makes a root that no two machines would share a secret of', async () => {
    const { status, stdout, stderr } = await run('init', '--yes');
    expect(status, stderr).to.equal(0);
    expect(stdout).to.match(/staging: made;/);
    expect(stderr).to.match(/staging: \d+ of \d+ packages set up/);
    expect(readdirSync(test.dir).filter((name) => /^staging\.(new|old)$/.test(name))).to.deep.equal([]);
    const files = look()
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, type]) => type === 'f')
      .map(([path = '', , , , , bytes]) => ({ path, bytes: Number(bytes) }));
    const unsafe = findLeftovers(files).filter(
      ({ path }) => !isSeatSecrets(path, () => readFileSync(at(path), 'utf8')),
    );
    expect(unsafe).to.deep.equal([]);
    expect(statSync(at('etc/machine-id')).size).to.equal(0);
    expect(existsSync(at('etc/hostname'))).to.equal(false);
    expect(readFileSync(at('etc/shadow'), 'utf8')).to.match(/^root:\*:/m);
    expect(readdirSync(at('var/cache/apt/archives')).filter((name) => name.endsWith('.deb'))).to.deep.equal(
      [],
    );
    expect(existsSync(at('etc/prolo/prolo.yml'))).to.equal(true);
    expect(existsSync(at('etc/motd'))).to.equal(true);
    expect(readFileSync(at('etc/motd'), 'utf8')).not.to.contain('the one before');
  });

  it('a shell there passes on what goes in, what comes out and how it ends, and leaves no trace', async () => {
    const before = look();
    const { status, stdout } = await run(
      'shell',
      '--',
      'hostname; test -s /etc/resolv.conf && echo resolves; exit 7',
    );
    expect(stdout).to.equal('staging\nresolves\n');
    expect(status).to.equal(7);
    const cat = await prolo(['rfs', 'shell', '--', 'cat'], { config: test.site.file, input: 'typed\n' });
    expect(cat.stdout).to.equal('typed\n');
    expect((await run('shell', '--', 'locale', '-a')).stdout).to.match(/^en_US.utf8$/m);
    expect(look()).to.equal(before);
    await run('shell', '--', 'echo :q > /root/.viminfo');
    expect(existsSync(at('root/.viminfo'))).to.equal(false);
  });

  it('packages come and go, and what was downloaded stays outside', async () => {
    const before = look();
    const dry = await run('install', 'hello', '--dry-run');
    expect(dry.stdout, dry.stderr).to.match(/^\+ hello \S+\n$/);
    expect(look()).to.equal(before);
    const { stdout, stderr } = await run('install', 'hello');
    expect(stdout, stderr).to.match(/^\+ hello \S+\n$/);
    expect((await run('shell', '--', 'hello')).stdout).to.equal('Hello, world!\n');
    expect((await run('install', 'hello')).stdout).to.contain('nothing to do');
    const left = execFileSync(
      'find',
      [test.dir, '-name', '*.deb', '-o', '-path', '*/staging/var/lib/apt/lists/*Packages'],
      { encoding: 'utf8' },
    );
    expect(left).to.equal('');
    expect((await run('install', '--remove', 'hello')).stdout).to.match(/^- hello \S+\n$/);
    expect(existsSync(at('usr/bin/hello'))).to.equal(false);
    const none = await run('install', 'helo');
    expect(none.status).to.equal(4);
    expect(none.stderr).to.contain('Unable to locate package helo');
  });

  it('without staging they say how it is made', async () => {
    rmSync(join(test.dir, 'staging'), { recursive: true });
    for (const args of [['shell'], ['install', 'hello']]) {
      const { status, stderr } = await run(...args);
      expect(status).to.equal(4);
      expect(stderr).to.contain('make it: `prolo rfs init`');
    }
  });

  it('our own profiles name packages that there are, and that go together', async () => {
    rmSync(join(test.dir, 'rfs'), { recursive: true });
    const plan = await planInit(test.site, ['base', 'desktop', 'extra']);
    const [program = '', ...args] = simulateArgv(plan)!;
    execFileSync(program, args, { stdio: 'pipe', maxBuffer: 64 * 1024 ** 2 });
    expect(plan.packages).to.include.members(['linux-image-amd64', 'lightdm', 'ghc']);
  });
});
