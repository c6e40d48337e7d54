import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { hostKeyOfSecret } from '../../src/lib/ssh/host-key.ts';
import { parseKnownHosts, renderKnownHosts } from '../../src/lib/ssh/known-hosts-text.ts';
import { knownHostsFile } from '../../src/lib/ssh/known-hosts.ts';
import type { Outcome } from '../../src/lib/ssh/protocol.ts';
import type { RunRecord } from '../../src/lib/ssh/runs.ts';
import { prolo, proloBin } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { makeSshSite, type SshSite, sshPackages } from '../support/ssh-site.ts';

/** Ends at the first machine, and not at the second. */
const NEARLY = 'case "$SSH_CONNECTION" in *127.0.1.1\\ *) touch "$HOME/began";; *) sleep 5;; esac';

describe('trouble on the host that runs prolo pssh, pcp, pget', function () {
  this.timeout(60_000);
  let site: SshSite;
  let dir: string;
  const children: ChildProcess[] = [];
  before(async function () {
    needs(this, sshPackages);
    dir = mkdtempSync(join(tmpdir(), 'prolo-trouble-'));
    site = await makeSshSite({ machines: 2 });
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await site?.stop();
    if (dir) rmSync(dir, { recursive: true });
  });
  const runsDir = (): string => site.test.site.statePath('ssh/runs');
  const run = (...args: string[]) => prolo(args, { config: site.test.site.file });

  describe('host keys that cannot be recorded', () => {
    const lock = (): string => `${knownHostsFile(site.test.site)}.lock`;
    beforeEach(() => {
      rmSync(knownHostsFile(site.test.site), { force: true });
      rmSync(lock(), { force: true });
      mkdirSync(lock(), { recursive: true });
    });
    afterEach(() => rmSync(lock(), { recursive: true }));
    const words = /^host keys are not recorded: .*known_hosts\.lock/m;

    it('are noted, and change nothing of a run', async () => {
      const { status, stdout, stderr } = await run('pssh', '@all', '--gather', '--', 'echo hi');
      expect(stdout).to.equal('== pas-r01p[01-02] (2)\nhi\n');
      expect(stderr).to.match(words).and.match(/^2 ok/m);
      expect(status).to.equal(0);
      const json = await run('pssh', '@all', '--json', '--', 'exit 3');
      const { outcomes } = JSON.parse(json.stdout) as { outcomes: Outcome[] };
      expect(outcomes.map(({ exitCode }) => exitCode)).to.deep.equal([3, 3]);
      expect(json.status).to.equal(3);
    });

    it('are noted, and change nothing of a copy', async () => {
      writeFileSync(join(dir, 'one'), 'x');
      const { status, stderr } = await run('pcp', '@all', '--', join(dir, 'one'), join(dir, 'copy'));
      expect(stderr).to.match(words).and.match(/^2 ok/m);
      expect(status).to.equal(0);
      expect(readdirSync(dir)).to.include('copy');
    });
  });

  for (const [what, input, ...args] of [
    ['a run', '', 'pssh', '@all', '--', NEARLY],
    ['a prompt', `${NEARLY}\n`, 'pssh', '-i', '@all'],
  ] as const)
    it(`a terminal that goes away ends ${what}, whose log has what is known`, async () => {
      rmSync(runsDir(), { recursive: true, force: true });
      const child = spawn(process.execPath, [proloBin, ...args], {
        env: { ...process.env, PROLO_CONFIG: site.test.site.file, TMPDIR: dir },
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      child.stdin.write(input);
      // The first rewrite of the log comes later than its first machine ends.
      children.push(child);
      for (let tries = 0; !existsSync(join(site.sshd.home, 'began')); tries++) {
        if (tries > 100) throw new Error('nothing runs there');
        await sleep(50);
      }
      rmSync(join(site.sshd.home, 'began'));
      await sleep(300);
      child.kill('SIGHUP');
      const [status] = (await once(child, 'close')) as [number | null];
      expect(status).to.equal(129);
      const [name] = readdirSync(runsDir());
      const record = JSON.parse(readFileSync(join(runsDir(), name!), 'utf8')) as RunRecord;
      expect(record.ended).to.equal(null);
      expect(record.results.map(({ hostname, status: how }) => [hostname, how])).to.deep.equal([
        ['pas-r01p01', 'ok'],
      ]);
    });

  it('pget fetches nothing in place of what the kernel makes, and the rest', async () => {
    writeFileSync(join(dir, 'file'), 'x');
    const argv = ['pget', 'pas-r01p01', '--', '/proc/version', join(dir, 'file'), join(dir, 'got')];
    const { status, stderr } = await run(...argv);
    expect(stderr).to.include(
      '(1): failed: no file on a disk (prolo pssh --out DIR -- cat FILE): /proc/version\n',
    );
    expect(readdirSync(join(dir, 'got/pas-r01p01'))).to.deep.equal(['file']);
    expect(status).to.equal(1);
  });

  it('pcp refuses what the kernel makes', async () => {
    const { status, stderr } = await run('pcp', '@all', '--', '/proc/version', join(dir, 'version'));
    expect(stderr).to.include('/proc/version: no file on a disk');
    expect(status).to.equal(2);
  });

  it('keys are known whatever the line ends are', () => {
    const key = hostKeyOfSecret('05'.repeat(32)).publicKey;
    const known = { mac: '52:54:00:00:00:01', hostname: 'pc1', ip: '10.0.0.1', port: 22, key };
    const text = renderKnownHosts([known]);
    expect(parseKnownHosts(text.replaceAll('\n', '\r\n'))).to.deep.equal([known]);
    expect(parseKnownHosts(text.replaceAll(' ', '\t'))).to.deep.equal([known]);
  });
});
