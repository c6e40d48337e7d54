import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Outcome } from '../../src/lib/ssh/protocol.ts';
import { prolo, proloBin } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { makeSshSite, type SshSite, sshPackages } from '../support/ssh-site.ts';

describe('prolo pget', function () {
  this.timeout(120_000);
  let site: SshSite;
  let here: string;
  before(async function () {
    needs(this, { ...sshPackages, python3: 'python3' });
    // Each machine has a folder of its own, and what it runs in place of what it is told, where it has such a thing.
    const inItsFolder = 'set -- ${SSH_CONNECTION##*.1.} && cd "$HOME/$1"';
    const instead = '[ ! -x ./instead ] || exec ./instead';
    site = await makeSshSite({
      machines: 4,
      config: [`ForceCommand ${inItsFolder} && { ${instead}; } && exec sh -c "$SSH_ORIGINAL_COMMAND"`],
    });
  });
  after(() => site?.stop());
  beforeEach(() => {
    here = mkdtempSync(join(tmpdir(), 'prolo-pget-test-'));
    for (let n = 1; n <= 4; n++) mkdirSync(on(n));
  });
  afterEach(() => {
    for (const dir of [here, ...readdirSync(site.sshd.home).map((name) => join(site.sshd.home, name))])
      rmSync(dir, { recursive: true, force: true });
  });
  const on = (n: number, ...path: string[]): string => join(site.sshd.home, String(n), ...path);
  const got = (n: number, ...path: string[]): string => join(here, `got/pas-r01p0${n}`, ...path);
  const pget = (...args: string[]) => prolo(['pget', ...args], { config: site.test.site.file, cwd: here });
  /** That machine sends the output of a shell's command line, whatever it is asked for. */
  const send = (n: number, script: string): void =>
    writeFileSync(on(n, 'instead'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  /** That machine sends an archive of these members, as no tar would make it. */
  const sendMembers = (n: number, members: string): void => {
    const python = `import tarfile, io
archive = tarfile.open('${on(n, 'archive')}', 'w', format=tarfile.PAX_FORMAT)
def add(name, type=tarfile.REGTYPE, to='', mode=0o644, data=b'evil', size=None):
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode, member.uid, member.uname = type, to, mode, 1234, 'games'
    member.size = len(data) if type == tarfile.REGTYPE else 0
    archive.addfile(member, io.BytesIO(data))
${members}
archive.close()`;
    execFileSync('python3', ['-c', python]);
    send(n, 'exec cat archive');
  };
  /** Nothing is there but what the test has put there. */
  const expectNothingOf = (n: number): void => {
    expect(existsSync(got(n))).to.equal(false);
    expect(readdirSync(join(here, 'got')).filter((name) => name.startsWith('.'))).to.deep.equal([]);
  };

  it('copies files and trees into a folder for each machine', async () => {
    for (const n of [1, 2]) {
      mkdirSync(on(n, 'log/sub'), { recursive: true });
      writeFileSync(on(n, 'log/sub/x'), `of ${n}`);
      writeFileSync(on(n, 'host name'), '');
      symlinkSync('sub/x', on(n, 'log/link'));
      chmodSync(on(n, 'log/sub/x'), 0o640);
      utimesSync(on(n, 'log/sub/x'), 1e9, 1e9 + 0.25);
    }
    const { status, stderr } = await pget('pas-r01p[01-02]', '--', 'log', 'host name', 'got');
    expect(stderr).to.match(/2 ok in/);
    expect(status).to.equal(0);
    expect(readdirSync(join(here, 'got'))).to.have.members(['pas-r01p01', 'pas-r01p02']);
    for (const n of [1, 2]) {
      expect(readFileSync(got(n, 'log/sub/x'), 'utf8')).to.equal(`of ${n}`);
      expect(statSync(got(n, 'log/sub/x')).mode & 0o7777).to.equal(0o640);
      expect(statSync(got(n, 'log/sub/x')).mtimeMs).to.equal(1e12 + 250);
      expect(readlinkSync(got(n, 'log/link'))).to.equal('sub/x');
      expect(readdirSync(got(n))).to.have.members(['log', 'host name']);
    }
  });

  it('takes the place of what was fetched before, and of nothing else', async () => {
    mkdirSync(on(1, 'log'));
    writeFileSync(on(1, 'log/new'), 'new');
    writeFileSync(on(1, 'file'), 'new');
    mkdirSync(got(1, 'log/old'), { recursive: true });
    mkdirSync(got(1, 'file/was/a/folder'), { recursive: true });
    writeFileSync(got(1, 'notes'), 'mine');
    expect((await pget('pas-r01p01', '--', 'log', 'file', 'got')).status).to.equal(0);
    expect(readdirSync(got(1))).to.have.members(['log', 'file', 'notes']);
    expect(readdirSync(got(1, 'log'))).to.deep.equal(['new']);
    expect(readFileSync(got(1, 'file'), 'utf8')).to.equal('new');
  });

  it('says what is not there, and keeps what came', async () => {
    writeFileSync(on(1, 'a'), 'a');
    writeFileSync(on(2, 'a'), 'a');
    writeFileSync(on(2, 'b'), 'b');
    const { status, stderr } = await pget('pas-r01p[01-03]', '--', 'a', 'b', 'none/c', 'got');
    expect(stderr).to.include('pas-r01p01 (1): failed: not there: b, none/c');
    expect(stderr).to.include('pas-r01p02 (1): failed: not there: none/c');
    expect(stderr).to.include('pas-r01p03 (1): failed: not there: a, b, none/c');
    expect(status).to.equal(1);
    expect(readdirSync(got(1))).to.deep.equal(['a']);
    expect(readdirSync(got(2))).to.deep.equal(['a', 'b']);
    expectNothingOf(3);
  });

  it('follows links when told to', async () => {
    writeFileSync(on(1, 'target'), 'text');
    symlinkSync('target', on(1, 'link'));
    await pget('pas-r01p01', '-L', '--', 'link', 'got');
    expect(readFileSync(got(1, 'link'), 'utf8')).to.equal('text');
  });

  it('takes no owners, and no bits that lend them', async () => {
    sendMembers(1, "add('./a', mode=0o6755)\nadd('./d', type=tarfile.DIRTYPE, mode=0o7777)");
    expect((await pget('pas-r01p01', '--', 'a', 'd', 'got')).status).to.equal(0);
    expect(statSync(got(1, 'a')).mode & 0o7777).to.equal(0o755);
    expect(statSync(got(1, 'd')).mode & 0o7000).to.equal(0);
    expect(statSync(got(1, 'a')).uid).to.equal(process.getuid?.());
  });

  const hostile: [string, string][] = [
    ['an absolute name', "add('/HERE/out/evil')"],
    ['a name with ..', "add('../../../out/evil')\nadd('./a/../../../../out/evil')"],
    ['a file behind a link of its own', "add('./a', type=tarfile.SYMTYPE, to='/HERE/out')\nadd('./a/evil')"],
    [
      'a file behind a link to the folder above',
      "add('./a', type=tarfile.SYMTYPE, to='../../..')\nadd('./a/out/evil')",
    ],
    [
      'a file behind links that lead out together',
      "add('./d', type=tarfile.DIRTYPE)\nadd('./d/up', type=tarfile.SYMTYPE, to='..')\nadd('./a', type=tarfile.SYMTYPE, to='d/up/../../../out')\nadd('./a/evil')",
    ],
    ['a hard link to a file here', "add('./a', type=tarfile.LNKTYPE, to='/HERE/out/victim')\nadd('./a')"],
    [
      'a hard link through a link',
      "add('./d', type=tarfile.SYMTYPE, to='/HERE/out')\nadd('./a', type=tarfile.LNKTYPE, to='d/victim')\nadd('./a')",
    ],
    ['a name that nobody asked for', "add('./.bashrc')"],
  ];
  for (const [what, members] of hostile)
    it(`takes nothing of a machine that sends ${what}`, async () => {
      mkdirSync(join(here, 'out'));
      writeFileSync(join(here, 'out/victim'), 'mine');
      sendMembers(1, `add('./a')\n${members.replaceAll('/HERE', here)}`);
      writeFileSync(on(2, 'a'), 'fine');
      const { status, stderr } = await pget('pas-r01p[01-02]', '--', 'a', 'd', 'got');
      expect(stderr).to.match(
        /pas-r01p01 \(1\): failed: (what it sent is refused|it sent \S+, which nobody)/,
      );
      expect(status).to.be.above(0);
      expect(readdirSync(join(here, 'out'))).to.deep.equal(['victim']);
      expect(readFileSync(join(here, 'out/victim'), 'utf8')).to.equal('mine');
      expectNothingOf(1);
      expect(readFileSync(got(2, 'a'), 'utf8')).to.equal('fine');
    });

  it('follows no link that an earlier fetch has left', async () => {
    mkdirSync(join(here, 'out'));
    sendMembers(1, `add('./a', type=tarfile.SYMTYPE, to='${here}/out')`);
    expect((await pget('pas-r01p01', '--', 'a', 'got')).status).to.equal(0);
    expect(readlinkSync(got(1, 'a'))).to.equal(`${here}/out`);
    sendMembers(1, "add('./a/evil')");
    expect((await pget('pas-r01p01', '--', 'a', 'got')).status).to.equal(0);
    expect(readdirSync(join(here, 'out'))).to.deep.equal([]);
    expect(readFileSync(got(1, 'a/evil'), 'utf8')).to.equal('evil');
  });

  it('leaves out devices and pipes', async () => {
    sendMembers(
      1,
      "add('./d', type=tarfile.DIRTYPE, mode=0)\nadd('./d/fifo', type=tarfile.FIFOTYPE)\nadd('./d/disk', type=tarfile.BLKTYPE)\nadd('./d/f')",
    );
    const { stderr } = await pget('pas-r01p01', '--', 'd', 'got');
    expect(stderr).to.match(/failed: [12] devices or pipes were left out/);
    expect(readdirSync(got(1, 'd'))).to.deep.equal(['f']);
    expect(statSync(got(1, 'd')).mode & 0o700).to.equal(0o700);
  });

  it('stops a machine that sends without end, and one whose file is said to be too large', async () => {
    send(1, 'tar -c -f - /dev/null 2>/dev/null | head -c 512; exec cat /dev/zero');
    send(2, 'exec tar -c -f - -S huge');
    execFileSync('truncate', ['-s', '1T', on(2, 'huge')]);
    writeFileSync(on(2, 'a'), '');
    writeFileSync(on(3, 'huge'), 'small');
    const { status, stderr } = await pget('pas-r01p[01-03]', '--max-bytes', '5M', '--', 'huge', 'got');
    expect(stderr).to.include('pas-r01p[01-02] (2): failed: it has more than 5M to send (--max-bytes)');
    expect(status).to.be.above(0);
    expectNothingOf(1);
    expectNothingOf(2);
    expect(readFileSync(got(3, 'huge'), 'utf8')).to.equal('small');
  });

  it('keeps no name of hundreds of megabytes in memory', async () => {
    const header = "info = tarfile.TarInfo('././@LongLink'); info.type = b'L'; info.size = 300 << 20";
    const python = `import sys, tarfile
${header}
sys.stdout.buffer.write(info.tobuf(tarfile.GNU_FORMAT))
for _ in range(300): sys.stdout.buffer.write(bytes([97]) * (1 << 20))`;
    writeFileSync(on(1, 'name.py'), python);
    send(1, 'exec python3 name.py 2>/dev/null');
    writeFileSync(on(2, 'a'), 'fine');
    const { stderr } = await pget('pas-r01p[01-02]', '--', 'a', 'got');
    expect(stderr).to.include('pas-r01p01 (1): failed: what it sent is refused: tar: memory exhausted');
    expectNothingOf(1);
    expect(readFileSync(got(2, 'a'), 'utf8')).to.equal('fine');
  });

  it('keeps nothing of a machine that goes away, sends no archive, or nothing', async () => {
    send(1, 'tar -c -f - instead | head -c 700; kill -9 $PPID');
    send(2, 'echo welcome');
    send(3, 'true');
    const { status, stdout } = await pget('pas-r01p[01-03]', '--json', '--', 'instead', 'got');
    const { outcomes } = JSON.parse(stdout) as { outcomes: Outcome[] };
    const reasons = new Map(outcomes.map(({ hostname, reason }) => [hostname, reason]));
    expect(reasons.get('pas-r01p02')).to.match(/does not look like a tar archive/);
    expect(reasons.get('pas-r01p03')).to.equal('it sent nothing');
    expect(status).to.be.above(0);
    for (const n of [1, 2, 3]) expectNothingOf(n);
  });

  it('refuses words that say nothing to copy, and a folder in none', async () => {
    expect((await pget('--', '/', 'got')).stderr).to.include('/: it has no name');
    expect((await pget('--', 'a/x', 'b/x', 'got')).stderr).to.include('x: two of that name');
    expect((await pget('--', 'a', 'no/such/got')).stderr).to.include('no such folder');
    expect((await pget('--max-bytes', 'lots', '--', 'a', 'got')).stderr).to.include('size lots');
    expect((await pget('--', 'a')).stderr).to.include('copy where?');
  });

  for (const times of [1, 2])
    it(`keeps what is whole at Ctrl-C, ${times === 1 ? 'once' : 'twice'}`, async () => {
      send(1, 'tar -c -f - instead | head -c 700; exec sleep 60');
      for (const n of [2, 3]) writeFileSync(on(n, 'log'), 'whole');
      const child = spawn(process.execPath, [proloBin, 'pget', 'pas-r01p[01-03]', '--', 'log', 'got'], {
        cwd: here,
        env: { ...process.env, PROLO_CONFIG: site.test.site.file },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const closed = once(child, 'close');
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      for (let tries = 0; tries < 500 && ![2, 3].every((n) => existsSync(got(n, 'log'))); tries++)
        await sleep(20);
      for (let time = 0; time < times; time++) child.kill('SIGINT');
      const [status] = (await closed) as [number];
      if (times === 1) expect(stderr).to.include('2 ok, 1 stopped');
      expect(status).to.be.oneOf(times === 1 ? [255] : [130, 255]);
      for (const n of [2, 3]) expect(readFileSync(got(n, 'log'), 'utf8')).to.equal('whole');
      expectNothingOf(1);
    });

  it('finds those that failed again with --failed', async () => {
    writeFileSync(on(1, 'log'), 'of 1');
    expect((await pget('pas-r01p[01-02]', '--', 'log', 'got')).status).to.equal(1);
    writeFileSync(on(2, 'log'), 'of 2');
    const { stderr, status } = await pget('--failed', '--', 'log', 'got');
    expect(stderr).to.match(/on 1 machine: pas-r01p02\n/);
    expect(status).to.equal(0);
    expect(readFileSync(got(2, 'log'), 'utf8')).to.equal('of 2');
  });

  it('leaves room on the disk here, though what comes is small: no bytes, in many files', async function () {
    mkdirSync(join(here, 'got'));
    const options = 'size=100m,nr_inodes=20000';
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', join(here, 'got')]).status !== 0)
      return this.skip();
    try {
      sendMembers(1, "add('./d', type=tarfile.DIRTYPE)\nfor i in range(40000): add(f'./d/{i}', data=b'')");
      writeFileSync(on(2, 'd'), 'fine');
      const { stderr, status } = await pget('pas-r01p[01-02]', '--', 'd', 'got');
      expect(stderr).to.match(
        /pas-r01p01 \(1\): failed: (\S+: the disk here is nearly full|no space is left on the disk)/,
      );
      expect(status).to.be.above(0);
      expectNothingOf(1);
      expect(readFileSync(got(2, 'd'), 'utf8')).to.equal('fine');
    } finally {
      spawnSync('umount', [join(here, 'got')]);
    }
  });
});
