import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../../src/lib/package-root.ts';
import { proloBin } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

/** What is needed of a host to be told what it lacks. */
const HOST = {
  'etc/os-release': 'ID=debian\n',
  'etc/passwd': 'root:x:0:0:root:/root:/bin/bash\n',
  'etc/group': 'root:x:0:\n',
  'etc/sysctl.d/README': '',
  'var/lib/dpkg/status': '',
};

describe('prolo install, where something is in the way', function () {
  this.timeout(60_000);
  let dir: string;
  let test: TestSite;
  const at = (path: string): string => join(dir, 'root', path);

  beforeEach(async function () {
    needs(this, { unshare: 'util-linux' });
    if (process.getuid?.() !== 0) this.skip();
    dir = mkdtempSync(join(tmpdir(), 'prolo-trouble-'));
    test = await makeTestSite();
    for (const [path, text] of Object.entries(HOST)) {
      mkdirSync(join(at(path), '..'), { recursive: true });
      writeFileSync(at(path), text);
    }
  });
  afterEach(async () => {
    if (dir) rmSync(dir, { recursive: true, force: true });
    await test?.remove();
  });

  /** What becomes of it, after `first` in a shell whose mounts and cards are its own; and what it said. */
  const install = (args: readonly string[], first = '', bin = proloBin, root = at('')) => {
    const argv = [bin, 'install', ...args, '--root', root, '--host', 'gw', '--yes'];
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', '--net', 'sh', '-ec', `${first}\nexec "$@"`, 'sh', process.execPath, ...argv],
      { encoding: 'utf8', timeout: 50_000, env: { ...process.env, PROLO_CONFIG: test.site.file, NO_COLOR: '1' } }, // prettier-ignore
    );
    return { status, stdout, stderr: stderr.replace(/\s*\n\s*/g, ' ') };
  };
  const isUntouched = (): void => {
    expect(readdirSync(at('etc/sysctl.d'))).to.deep.equal(['README']);
    expect(existsSync(at('var/lib/prolo'))).to.equal(false);
  };

  it('a folder that is mounted read-only: says which, and does nothing, also not what it could', () => {
    const first = `mount --bind ${at('etc/sysctl.d')} ${at('etc/sysctl.d')}; mount -o remount,bind,ro ${at('etc/sysctl.d')}`;
    const { status, stderr } = install(['lldp', 'sysctl'], first);
    expect(status).to.equal(6);
    expect(stderr).to.include('cannot be written: /etc/sysctl.d (read-only file system)');
    expect(stderr).to.include('mount it read-write').and.to.include('nothing was done');
    isUntouched();
    expect(existsSync(at('etc/systemd'))).to.equal(false);
    expect(install(['sysctl']).status).to.equal(0);
  });

  it('a file that is immutable: says which, and leaves it as it is', function () {
    expect(install(['sysctl']).status).to.equal(0);
    const file = at('etc/sysctl.d/60-prolo-sysctl.conf');
    writeFileSync(file, '# theirs\n');
    if (spawnSync('chattr', ['+i', file]).status !== 0) return this.skip(); // a file system that knows nothing of it
    try {
      const { status, stderr } = install(['sysctl', '--overwrite']);
      expect([status, stderr.includes('/etc/sysctl.d/60-prolo-sysctl.conf (immutable)')]).to.deep.equal([
        6,
        true,
      ]);
      expect(readdirSync(at('etc/sysctl.d')).sort()).to.deep.equal(['60-prolo-sysctl.conf', 'README']);
    } finally {
      execFileSync('chattr', ['-i', file]);
    }
    expect(readFileSync(file, 'utf8')).to.equal('# theirs\n');
  });

  it('a NIC that is gone: says which, and which there are', () => {
    const lan = { name: 'lan', cidr: '192.168.0.0/22', role: 'machines', gateway: '192.168.1.254', interface: 'enp9s0' }; // prettier-ignore
    appendFileSync(test.site.file, `\nnetworks: [${JSON.stringify(lan)}]\n`);
    const here = 'mount -t sysfs none /sys; ip link add enp1s0 type veth peer name other';
    const { status, stderr } = install(['networkd', '--plan'], here, proloBin, '/');
    expect(status, stderr).to.equal(3);
    expect(stderr).to.include('network lan: NIC enp9s0: not there; this host has enp1s0, other');
    const there = install(['networkd', '--plan'], `${here}; ip link set enp1s0 name enp9s0`, proloBin, '/');
    expect([there.status, there.stdout.includes('20-prolo-enp9s0.network')], there.stderr).to.deep.equal([
      0,
      true,
    ]);
  });

  it('an answers file with a key that nobody asks: says which there are', () => {
    rmSync(test.site.file);
    writeFileSync(join(dir, 'answers.yml'), 'role: gw\ngateway: 10.0.0.1\n');
    const { status, stderr } = install(['--answers', join(dir, 'answers.yml')]);
    expect(status).to.equal(2);
    expect(stderr).to.match(/answers \S+: gateway: nobody asks that keys: role, hostname, name/);
    expect(existsSync(test.site.file)).to.equal(false);
    isUntouched();
  });

  it('a template that wants a value which nobody gives: says which, and does nothing', () => {
    const other = join(dir, 'prolo');
    mkdirSync(other);
    for (const part of ['bin', 'dist', 'templates', 'package.json', 'oclif.manifest.json'])
      cpSync(join(packageRoot, part), join(other, part), { recursive: true });
    symlinkSync(join(packageRoot, 'node_modules'), join(other, 'node_modules'));
    appendFileSync(
      join(other, 'templates/install/sysctl.conf'),
      'net.core.somaxconn = <%= it.somaxconn %>\n',
    );
    const { status, stderr } = install(['sysctl'], '', join(other, 'bin/run.js'));
    expect(status).to.equal(1);
    expect(stderr).to.include('template install/sysctl.conf: it.somaxconn: has no value');
    expect(stderr).to.include('install prolo anew');
    isUntouched();
  });
});
