import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
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

describe('prolo pcp', function () {
  this.timeout(120_000);
  let site: SshSite;
  let here: string;
  let there: string;
  before(async function () {
    needs(this, sshPackages);
    // Each machine has a folder of its own, and what it runs in place of what it is told, where it has such a thing.
    site = await makeSshSite({
      machines: 4,
      config: [
        'ForceCommand set -- ${SSH_CONNECTION##*.1.} && cd "$HOME/$1" && ' +
          '{ [ ! -x ./instead ] || exec ./instead; } && exec sh -c "$SSH_ORIGINAL_COMMAND"',
      ],
    });
  });
  after(() => site?.stop());
  beforeEach(() => {
    here = mkdtempSync(join(tmpdir(), 'prolo-copied-'));
    there = site.sshd.home;
    for (let n = 1; n <= 4; n++) mkdirSync(on(n));
  });
  afterEach(() => {
    for (const dir of [here, ...readdirSync(there).map((name) => join(there, name))])
      rmSync(dir, { recursive: true, force: true });
  });
  const on = (n: number, ...path: string[]): string => join(there, String(n), ...path);
  const pcp = (...args: string[]) => prolo(['pcp', ...args], { config: site.test.site.file, cwd: here });
  const put = (name: string, text: string | Buffer = name): void => writeFileSync(join(here, name), text);

  it('copies files into a folder of each machine', async () => {
    put('motd', 'hello\n');
    put('issue', '');
    const { status, stderr } = await pcp('pas-r01p[01-03]', '--', 'motd', 'issue', './');
    expect(stderr).to.match(/3 ok in/);
    expect(status).to.equal(0);
    for (const n of [1, 2, 3]) {
      expect(readFileSync(on(n, 'motd'), 'utf8')).to.equal('hello\n');
      expect(readdirSync(on(n))).to.have.members(['motd', 'issue']);
    }
    expect(readdirSync(on(4))).to.deep.equal([]);
  });

  it('makes the copy what the original is: modes, times, links, names of any kind', async () => {
    const names = [' a b ', "it's", 'new\nline', '-rf', '$HOME `id` "x"', 'back\\tslash', 'déjà', '*'];
    mkdirSync(join(here, 'tree/sub'), { recursive: true });
    for (const name of names) put(`tree/${name}`, name);
    put('tree/sub/run');
    chmodSync(join(here, 'tree/sub/run'), 0o4750);
    chmodSync(join(here, 'tree/sub'), 0o555);
    symlinkSync('/nowhere', join(here, 'tree/link'));
    linkSync(join(here, 'tree/-rf'), join(here, 'tree/twin'));
    utimesSync(join(here, 'tree/*'), 1e9, 1e9 + 0.25);
    utimesSync(join(here, 'tree'), 1e9, 1e9);
    const { status } = await pcp('pas-r01p01', '--', 'tree', './');
    expect(status).to.equal(0);
    expect(readdirSync(on(1, 'tree'))).to.have.members([...names, 'sub', 'link', 'twin']);
    for (const name of names) expect(readFileSync(on(1, 'tree', name), 'utf8')).to.equal(name);
    expect(statSync(on(1, 'tree/sub/run')).mode & 0o7777).to.equal(0o4750);
    expect(statSync(on(1, 'tree/sub')).mode & 0o7777).to.equal(0o555);
    expect(readlinkSync(on(1, 'tree/link'))).to.equal('/nowhere');
    expect(statSync(on(1, 'tree/*')).mtimeMs).to.equal(1e12 + 250);
    expect(statSync(on(1, 'tree')).mtimeMs).to.equal(1e12);
    expect(statSync(on(1, 'tree/-rf')).ino).to.equal(statSync(on(1, 'tree/twin')).ino);
  });

  it('copies names of any kind by their own name, to a name of any kind', async () => {
    for (const name of ['-rf', 'back\\tslash', 'new\nline']) {
      put(name);
      const { status } = await pcp('pas-r01p01', '--', name, `${name}'s`);
      expect(status).to.equal(0);
      expect(readFileSync(on(1, `${name}'s`), 'utf8')).to.equal(name);
    }
  });

  it('goes into a folder that is there, and is that name where there is none', async () => {
    put('new.conf', 'new');
    mkdirSync(on(2, 'conf'));
    expect((await pcp('pas-r01p[01-02]', '--', 'new.conf', 'conf')).status).to.equal(0);
    expect(readFileSync(on(1, 'conf'), 'utf8')).to.equal('new');
    expect(readFileSync(on(2, 'conf/new.conf'), 'utf8')).to.equal('new');
  });

  it('fails where a folder is meant and none is there, unless it is to make it', async () => {
    put('a');
    mkdirSync(on(2, 'sub'));
    const refused = await pcp('pas-r01p[01-02]', '--', 'a', 'sub/');
    expect(refused.stderr).to.include('pas-r01p01 (1): failed: ./sub/: there is no such folder');
    expect(refused.status).to.equal(1);
    expect(readdirSync(on(2, 'sub'))).to.deep.equal(['a']);
    expect((await pcp('pas-r01p01', '--parents', '--', 'a', 'deep/sub/')).status).to.equal(0);
    expect(readdirSync(on(1, 'deep/sub'))).to.deep.equal(['a']);
    expect(statSync(on(1, 'deep')).mode & 0o777).to.equal(0o755);
  });

  it('copies what a folder holds without touching the mode of the one it goes into', async () => {
    mkdirSync(join(here, 'tree'), { mode: 0o700 });
    put('tree/a');
    put('tree/.hidden');
    chmodSync(on(1), 0o751);
    expect((await pcp('pas-r01p01', '--', 'tree/.', '.')).status).to.equal(0);
    expect(readdirSync(on(1))).to.have.members(['a', '.hidden']);
    expect(statSync(on(1)).mode & 0o777).to.equal(0o751);
    expect((await pcp('pas-r01p01', '--', 'tree/.', 'other')).status).to.equal(0);
    expect(readdirSync(on(1, 'other'))).to.have.members(['a', '.hidden']);
    expect(statSync(on(1, 'other')).mode & 0o777).to.equal(0o700);
  });

  it('puts a tree into one that is there, file by file, and leaves the rest', async () => {
    mkdirSync(join(here, 'tree/sub'), { recursive: true });
    put('tree/sub/both', 'new');
    put('tree/mine');
    mkdirSync(on(1, 'tree/sub'), { recursive: true });
    writeFileSync(on(1, 'tree/sub/both'), 'old');
    writeFileSync(on(1, 'tree/sub/theirs'), 'theirs');
    const before = openSync(on(1, 'tree/sub/both'), 'r');
    expect((await pcp('pas-r01p01', '--', 'tree', '.')).status).to.equal(0);
    expect(readFileSync(on(1, 'tree/sub/both'), 'utf8')).to.equal('new');
    expect(readFileSync(before, 'utf8')).to.equal('old'); // who had it open keeps what it had
    closeSync(before);
    expect(readdirSync(on(1, 'tree/sub'))).to.have.members(['both', 'theirs']);
    expect(readdirSync(on(1))).to.deep.equal(['tree']);
  });

  it('replaces no folder by a file, no file by a folder, and no link to a folder by a folder', async () => {
    mkdirSync(join(here, 'tree/lib'), { recursive: true });
    put('tree/lib/new');
    put('file');
    mkdirSync(on(1, 'usr/lib'), { recursive: true });
    mkdirSync(on(1, 'tree'));
    symlinkSync('../usr/lib', on(1, 'tree/lib'));
    mkdirSync(on(2, 'file'));
    writeFileSync(on(2, 'tree'), 'file');
    expect((await pcp('pas-r01p01', '--', 'tree', '.')).stderr).to.include('cannot overwrite non-directory');
    expect(readlinkSync(on(1, 'tree/lib'))).to.equal('../usr/lib');
    expect((await pcp('pas-r01p02', '--', 'file', '.')).stderr).to.include('cannot overwrite directory');
    expect((await pcp('pas-r01p02', '--', 'tree', '.')).stderr).to.include('cannot overwrite non-directory');
    expect(readdirSync(on(2))).to.have.members(['file', 'tree']);
  });

  it('replaces a file in one step: who has it open keeps the old one, a link is replaced itself', async () => {
    put('motd', 'new');
    writeFileSync(on(1, 'target'), 'target');
    symlinkSync('target', on(1, 'motd'));
    expect((await pcp('pas-r01p01', '--', 'motd', 'motd')).status).to.equal(0);
    expect(lstatSync(on(1, 'motd')).isFile()).to.equal(true);
    expect(readFileSync(on(1, 'target'), 'utf8')).to.equal('target');
  });

  it('keeps owners as root', async function () {
    if (process.getuid?.() !== 0) return this.skip();
    put('theirs');
    chownSync(join(here, 'theirs'), 1234, 4321);
    await pcp('pas-r01p01', '--', 'theirs', '.');
    expect(statSync(on(1, 'theirs'))).to.include({ uid: 1234, gid: 4321 });
  });

  it('leaves holes as holes, and follows links when told to', async () => {
    put('sparse', '');
    truncateSync(join(here, 'sparse'), 50e6);
    symlinkSync('sparse', join(here, 'link'));
    expect((await pcp('pas-r01p01', '-L', '--', 'link', '.')).status).to.equal(0);
    const { size, blocks } = statSync(on(1, 'link'));
    expect(size).to.equal(50e6);
    expect(blocks).to.be.below(1000);
  });

  it('touches no machine when not all can be read, or two things have one name', async () => {
    mkdirSync(join(here, 'sub'));
    put('a');
    put('sub/a');
    expect((await pcp('--', 'a', 'nowhere', '.')).stderr).to.include('nowhere: no such file');
    expect((await pcp('--', 'a', 'sub/a', '.')).stderr).to.include('a: two of that name');
    expect((await pcp('--', 'a', '')).stderr).to.include('word 2 after -- is empty');
    expect((await pcp('a')).status).to.equal(2);
    expect(readdirSync(on(1))).to.deep.equal([]);
  });

  it('names the machines and does nothing with --dry-run', async () => {
    put('a');
    const { stdout, stderr, status } = await pcp('--dry-run', '@room:pasteur', '--', 'a', '.');
    expect(stdout).to.equal('pas-r01p[01-04]\n');
    expect(stderr).to.include('would copy a to . on 4 machines');
    expect(status).to.equal(0);
    expect(readdirSync(on(1))).to.deep.equal([]);
  });

  it('says what came of it with --json', async () => {
    put('a');
    const { stdout } = await pcp('--json', '--', 'a', '.');
    const { outcomes, bytes } = JSON.parse(stdout) as { outcomes: Outcome[]; bytes: number };
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['ok', 'ok', 'ok', 'ok']);
    expect(bytes).to.be.above(4 * 1024);
  });

  it('copies 10,000 small files', async () => {
    mkdirSync(join(here, 'many'));
    for (let i = 0; i < 10_000; i++) put(`many/${i}`, String(i));
    expect((await pcp('pas-r01p[01-02]', '--', 'many', '.')).status).to.equal(0);
    expect((await pcp('pas-r01p[01-02]', '--', 'many/.', 'many')).status).to.equal(0);
    execFileSync('diff', ['-r', join(here, 'many'), on(2, 'many')]);
  });

  it('says that a disk is full, and leaves what was there', async function () {
    mkdirSync(on(1, 'small'));
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', on(1, 'small')]).status !== 0)
      return this.skip();
    try {
      put('big', Buffer.alloc(3e6, 'x'));
      writeFileSync(on(1, 'small/big'), 'old');
      const { stderr, status } = await pcp('pas-r01p[01-02]', '--parents', '--', 'big', 'small/');
      expect(stderr).to.match(/pas-r01p01 \(1\): failed: its disk is full: tar: /);
      expect(stderr).to.include('1 ok, 1 failed');
      expect(status).to.equal(2);
      expect(readFileSync(on(1, 'small/big'), 'utf8')).to.equal('old');
      expect(readdirSync(on(1, 'small'))).to.deep.equal(['big']);
    } finally {
      spawnSync('umount', [on(1, 'small')]);
    }
  });

  it('counts a machine that hung up as such; the others are not held up, and what was there stays', async () => {
    put('big', Buffer.alloc(9e6, 'x'));
    writeFileSync(on(1, 'big'), 'old');
    writeFileSync(
      on(1, 'instead'),
      '#!/bin/sh\nhead -c 5000000 | sh -c "$SSH_ORIGINAL_COMMAND"; kill -9 $PPID\n',
      {
        mode: 0o755,
      },
    );
    const { stderr, status } = await pcp('--', 'big', '.');
    expect(stderr).to.match(/pas-r01p01 \(1\): unreachable: /);
    expect(stderr).to.include('3 ok, 1 unreachable');
    expect(status).to.equal(255);
    expect(readFileSync(on(1, 'big'), 'utf8')).to.equal('old');
    expect(readdirSync(on(1))).to.have.members(['big', 'instead']);
    expect(statSync(on(2, 'big')).size).to.equal(9e6);
  });

  it('stops waiting at Ctrl-C for a machine that takes nothing, and keeps what is done', async () => {
    put('big', Buffer.alloc(9e6, 'x'));
    writeFileSync(on(1, 'instead'), '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
    const child = spawn(process.execPath, [proloBin, 'pcp', '--', 'big', '.'], {
      cwd: here,
      env: { ...process.env, PROLO_CONFIG: site.test.site.file },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const closed = once(child, 'close');
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const isDone = (n: number): boolean => existsSync(on(n, 'big')) && readdirSync(on(n)).length === 1;
    for (let tries = 0; tries < 500 && ![2, 3, 4].every(isDone); tries++) await sleep(20);
    child.kill('SIGINT');
    const [status] = (await closed) as [number];
    expect(stderr.split('prolo: stopping; once more leaves at once.\n')).to.have.length(2);
    expect(stderr).to.include('pas-r01p01 (1): stopped: not waited for');
    expect(stderr).to.include('3 ok, 1 stopped');
    expect(status).to.equal(255);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('prolo-pcp-'))).to.deep.equal([]);
  });
});
