import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Run } from '../../src/lib/install/journal.ts';
import { prolo, proloBin } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

const RECIPES = ['base', 'sysctl', 'router', 'ntp-server', 'nginx'];

describe('prolo install, on a bare Debian in a folder', function () {
  this.timeout(600_000);
  let dir: string;
  let test: TestSite;
  const root = (): string => join(dir, 'root');
  const at = (path: string): string => join(root(), path);
  const install = (...args: string[]) =>
    prolo(['install', '--root', root(), '--host', 'gw', ...args], { config: test.site.file });

  before(async function () {
    needs(this, { mmdebstrap: 'mmdebstrap', 'systemd-nspawn': 'systemd-container', python3: 'python3' });
    dir = mkdtempSync(join(tmpdir(), 'prolo-install-'));
    test = await makeTestSite();
    const packages = '--include=systemd,nginx-light,chrony';
    execFileSync('mmdebstrap', ['--quiet', '--variant=minbase', packages, 'bookworm', root()], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 500_000,
    });
  });
  after(async () => {
    if (dir) rmSync(dir, { recursive: true, force: true });
    await test?.remove();
  });

  it('shows what it would do, and does nothing', async () => {
    const { status, stdout, stderr } = await install(...RECIPES, '--plan');
    expect(stderr).to.match(/^\d+ things to do; nothing was done$/m);
    expect(status).to.equal(0);
    expect(stdout).to.include('+ /etc/nginx/sites-enabled/prolo\n');
    expect(existsSync(at('/etc/nginx/sites-enabled/prolo'))).to.equal(false);
  });

  it('killed at any moment, it is completed by the next run; after that there is nothing to do', async () => {
    const spare = join(dir, 'spare');
    execFileSync('cp', ['-a', '--reflink=auto', root(), spare]);
    for (let round = 0; round < 8; round++) {
      const argv = [
        proloBin,
        'install',
        ...RECIPES,
        '--root',
        root(),
        '--host',
        'gw',
        '--yes',
        '--config',
        test.site.file,
      ];
      const child = spawn(process.execPath, argv, { stdio: 'ignore' });
      const gone = once(child, 'exit');
      await Promise.race([sleep(200 + round * 150), gone]);
      child.kill('SIGKILL');
      await gone;
    }
    const { status, stderr } = await install(...RECIPES, '--yes');
    expect([status, stderr.includes('by hand')]).to.deep.equal([0, false]);
    const again = await install(...RECIPES, '--yes');
    expect([again.status, again.stdout]).to.deep.equal([0, 'nothing to do\n']);
    const strays = execFileSync(
      'find',
      [at('/etc'), '-name', '*.prolo-new', '-o', '-name', '*.before-prolo'],
      { encoding: 'utf8' },
    );
    expect(strays).to.equal('');
    rmSync(root(), { recursive: true });
    renameSync(spare, root());
  });

  it('a file that a person changed is shown and left, ours beside it; with --overwrite theirs is kept beside', async () => {
    await install('sysctl', '--yes');
    const file = at('/etc/sysctl.d/60-prolo-sysctl.conf');
    const ours = readFileSync(file, 'utf8');
    appendFileSync(file, '# mine\n');
    const left = await install('sysctl', '--yes');
    expect(left.status).to.equal(1);
    expect(left.stdout).to.include('(changed by hand since)').and.to.include('-# mine');
    expect(readFileSync(file, 'utf8')).to.equal(`${ours}# mine\n`);
    expect(readFileSync(`${file}.prolo-new`, 'utf8')).to.equal(ours);
    expect((await install('sysctl', '--yes', '--overwrite')).status).to.equal(0);
    expect(readFileSync(file, 'utf8')).to.equal(ours);
    expect(readFileSync(`${file}.before-prolo`, 'utf8')).to.equal(`${ours}# mine\n`);
  });

  it('what the program that reads the files refuses is put back, and said in its words', async () => {
    writeFileSync(at('/etc/nginx/conf.d/theirs.conf'), 'no such directive;\n');
    const { status, stderr } = await install('nginx', '--yes');
    expect(status).to.equal(9);
    expect(stderr).to.match(/recipe nginx: nginx: .*(unknown directive|theirs\.conf)/);
    expect(existsSync(at('/etc/nginx/sites-enabled/prolo'))).to.equal(false);
    rmSync(at('/etc/nginx/conf.d/theirs.conf'));
  });

  it('takes a run back, but for what was changed since', async () => {
    const { stdout } = await install('nginx', '--yes', '--json');
    const { run } = JSON.parse(stdout) as { run: string };
    appendFileSync(at('/etc/nginx/sso/handler'), '# mine\n');
    const undone = await install('--undo', run, '--yes');
    expect(undone.status).to.equal(0);
    expect(undone.stderr).to.include('/etc/nginx/sso/handler: changed since, and left');
    expect(existsSync(at('/etc/nginx/sites-enabled/prolo'))).to.equal(false);
    expect(existsSync(at('/etc/nginx/sso/handler'))).to.equal(true);
    const runs = readdirSync(at('/var/lib/prolo/install')).map(
      (name) => JSON.parse(readFileSync(at(`/var/lib/prolo/install/${name}`), 'utf8')) as Run,
    );
    expect(runs.find(({ id }) => id === run)?.state).to.equal('undone');
  });

  it('prolo itself and its daemons; a second run changes nothing; a role says what MDB will know', async () => {
    const args = ['monitoring', '--mac', '52:54:00:00:00:0a'];
    const seen = await install(...args, '--plan');
    expect(seen.stdout).to.include('+ gw in MDB: prometheus journal-aggregator\n');
    expect((await prolo(['mdb', 'list', '--json'], { config: test.site.file })).stdout).not.to.include(
      '52:54',
    );
    const parts = ['prolo', 'mdb', 'sso', 'passwd'];
    const first = await install(...parts, '--yes');
    expect(first.status, first.stderr).to.equal(0);
    expect(first.stdout).to.match(/^\+ \/usr\/lib\/prolo\/: prolo’s program, \d+ MB$/m);
    const version = execFileSync('chroot', [root(), '/usr/bin/prolo', '--version'], { encoding: 'utf8' });
    expect(version).to.match(/^prolo\//);
    expect(statSync(at('/etc/prolo/secrets.yml')).mode & 0o777).to.equal(0o600);
    const again = await install(...parts, '--yes');
    expect([again.status, again.stdout]).to.deep.equal([0, 'nothing to do\n']);
  });

  const nothingDone = (): void => {
    expect(existsSync(at('/etc/systemd/system/lldpd.service.d'))).to.equal(false);
    expect(execFileSync('chroot', [root(), 'dpkg', '--audit'], { encoding: 'utf8' })).to.equal('');
  };

  it('no network: says that no mirror answers, and does nothing', async () => {
    const file = at('/etc/apt/sources.list');
    const sources = readFileSync(file, 'utf8');
    writeFileSync(file, 'deb http://127.0.0.1:9 bookworm main\n');
    rmSync(at('/var/lib/apt/lists'), { recursive: true });
    const { status, stderr } = await install('lldp', '--yes');
    writeFileSync(file, sources);
    expect(status, stderr).to.equal(8);
    expect(stderr).to.match(/packages.*: Failed to fetch http:\/\/127\.0\.0\.1:9/);
    expect(stderr).to.include('does this host reach the mirror?');
    nothingDone();
  });

  it('a package manager that another one holds: says so, and does nothing', async () => {
    const hold = [
      'import fcntl, sys',
      "lock = open(sys.argv[1], 'w')",
      'fcntl.lockf(lock, fcntl.LOCK_EX)',
      "print('held', flush=True)",
      'sys.stdin.read()',
    ];
    const holder = spawn('python3', ['-c', hold.join('\n'), at('/var/lib/dpkg/lock-frontend')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const gone = once(holder, 'exit');
    try {
      await once(holder.stdout, 'data');
      const { status, stderr } = await install('lldp', '--yes');
      expect(status, stderr).to.equal(8);
      expect(stderr).to.match(/lock/).and.to.include('another package manager is at work there');
      nothingDone();
    } finally {
      holder.kill();
      await gone;
    }
    expect((await install('lldp', '--yes')).status).to.equal(0);
  });

  it('refuses a recipe that is none, and a folder that is no system', async () => {
    expect((await install('nothing', '--yes')).status).to.equal(4);
    const { status, stderr } = await prolo(['install', 'base', '--root', test.dir], {
      config: test.site.file,
    });
    expect([status, /neither Debian nor Arch/.test(stderr)]).to.deep.equal([8, true]);
  });
});
