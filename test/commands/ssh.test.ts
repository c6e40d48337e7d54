import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { fingerprint, hostKeyOfSecret } from '../../src/lib/ssh/host-key.ts';
import { knownHostsFile } from '../../src/lib/ssh/known-hosts.ts';
import { prolo } from '../support/cli.ts';
import { type FaultyHost, startHost } from '../support/faulty-host.ts';
import { needs } from '../support/needs.ts';
import { makeSshSite, type SshSite, sshPackages } from '../support/ssh-site.ts';

describe('prolo ssh', function () {
  this.timeout(60_000);
  let site: SshSite;
  let silent: FaultyHost | undefined;
  before(async function () {
    needs(this, sshPackages);
    site = await makeSshSite({
      machines: 4,
      ssh: { connectSeconds: 2 },
      change: (n) => (n === 4 ? { ip: '127.0.1.104' } : {}),
    });
    silent = await startHost('127.0.1.104', site.sshd.port, (socket) => void socket.resume());
  });
  after(async () => {
    await silent?.stop();
    await site?.stop();
  });
  const run = (...args: string[]) => prolo(args, { config: site.test.site.file });
  const [first, second, third, fourth] = [1, 2, 3, 4].map((n) => `pas-r01p0${n}`) as [
    string,
    string,
    string,
    string,
  ];
  const changeKeys = (): void => {
    const file = knownHostsFile(site.test.site);
    const { publicText } = hostKeyOfSecret('05'.repeat(32));
    writeFileSync(file, readFileSync(file, 'utf8').replace(/ssh-ed25519 \S+/g, publicText));
  };

  it('scan records keys without logging in, and says who did not answer', async () => {
    const { status, stdout } = await run('ssh', 'scan', first, second, fourth);
    expect(stdout)
      .to.match(/pas-r01p01 +new +SHA256:/)
      .and.match(/pas-r01p04 +unreachable .*says nothing/);
    expect(status).to.equal(1);
    expect(site.sshd.log()).not.to.include('Accepted');
    const again = await run('ssh', 'scan', first);
    expect(again.stdout).to.match(/pas-r01p01 +known/);
    expect(again.status).to.equal(0);
  });

  it('known-hosts prints what OpenSSH reads', async () => {
    const { stdout } = await run('ssh', 'known-hosts');
    const { port, hostKeys } = site.sshd;
    expect(stdout).to.include(`[${first}]:${port},[127.0.1.1]:${port} ${hostKeys[0]} 52:54:00:00:00:01\n`);
    expect(stdout).not.to.include(third);
  });

  it('a changed key is refused at that machine alone, until it is forgotten', async () => {
    changeKeys();
    const refused = await run('pssh', '--yes', first, third, '--', 'echo', 'hello');
    expect(refused.stdout).to.include(`${third}: hello`).and.not.include(`${first}: hello`);
    expect(refused.stderr).to.include(`prolo ssh forget ${first}`);
    expect(refused.stderr.match(/SHA256:/g)).to.have.length(2);
    expect(refused.status).to.equal(255);
    const look = await run('ssh', 'forget', first, '--dry-run');
    expect(look.stdout).to.match(/pas-r01p01 +ssh-ed25519 +SHA256:/);
    expect((await run('ssh', 'forget', first)).stderr).to.include('--yes');
    expect((await run('ssh', 'forget')).status).to.equal(2);
    await run('ssh', 'forget', first, '--yes');
    const { stdout, status } = await run('pssh', '--yes', first, '--', 'echo', 'hello');
    expect({ stdout, status }).to.deep.equal({ stdout: `${first}: hello\n`, status: 0 });
    expect((await run('ssh', 'forget', fourth, '--yes')).stdout).to.equal('no key of theirs is known\n');
  });

  it('a run with machines that hang ends by itself, soon after the last of them', async () => {
    const startedMs = performance.now();
    const { status } = await run('pssh', '--yes', '-t', '1', third, fourth, '--', 'sleep', '30');
    expect(status).to.equal(255);
    expect(performance.now() - startedMs).to.be.below(8000);
  });

  it('pc-key prints the public half of what the secret says', async () => {
    const key = hostKeyOfSecret(site.test.site.secret('ssh.pcs'));
    const { stdout, stderr } = await run('ssh', 'pc-key');
    expect(stdout).to.equal(`${key.publicText}\n`);
    expect(stderr).to.include(fingerprint(key.publicKey));
  });

  it('pc-key gives a root the key, which sshd takes', async () => {
    const root = mkdtempSync(join(tmpdir(), 'prolo-root-'));
    try {
      const refused = await run('ssh', 'pc-key', '--root', root);
      expect(refused).to.include({ status: 4, stdout: '' });
      mkdirSync(join(root, 'etc/ssh'), { recursive: true });
      expect((await run('ssh', 'pc-key', '--root', root)).status).to.equal(0);
      const file = join(root, 'etc/ssh/ssh_host_ed25519_key');
      expect(statSync(file).mode & 0o777).to.equal(0o600);
      execFileSync('/usr/sbin/sshd', ['-t', '-f', '/dev/null', '-h', file]);
      const publicText = execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' });
      expect(publicText).to.equal(readFileSync(`${file}.pub`, 'utf8'));
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it('a site without that secret works; what needs it says how to make one', async () => {
    const file = site.test.site.file.replace('prolo.yml', 'secrets.yml');
    const secrets = readFileSync(file, 'utf8');
    writeFileSync(file, secrets.replace(/^ssh\.pcs:.*\n/m, ''));
    try {
      expect((await run('pssh', '--yes', third, '--', 'true')).status).to.equal(0);
      const { status, stderr } = await run('ssh', 'pc-key');
      expect(status).to.equal(3);
      expect(stderr).to.include('openssl rand -hex 32');
    } finally {
      writeFileSync(file, secrets);
    }
  });
});
