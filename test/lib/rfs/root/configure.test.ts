import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { configureRoot } from '../../../../src/lib/rfs/root/configure.ts';
import { withHook } from '../../../../src/lib/rfs/root/pam.ts';
import { withLocalhost } from '../../../../src/lib/rfs/root/settings.ts';
import { maskPorts } from '../../../../src/lib/rfs/root/shaping.ts';
import { readInstall } from '../../../../src/lib/rfs/root/units.ts';
import { hostKeyOfSecret } from '../../../../src/lib/ssh/host-key.ts';
import { rejection } from '../../../support/rejection.ts';
import { makeTestSite, type TestSite } from '../../../support/site.ts';

const LOGIN = `auth       requisite  pam_nologin.so
session    required   pam_loginuid.so
session    required   pam_env.so user_readenv=1 envfile=/etc/default/locale
@include common-auth
session    required   pam_limits.so
@include common-account
@include common-session
`;

describe('a root filesystem of this site', function () {
  this.timeout(60_000);
  let made: TestSite;
  let tree: string;
  const at = (path: string): string => join(tree, path);
  const read = (path: string): string => readFileSync(at(path), 'utf8');

  before(async () => {
    made = await makeTestSite({
      limits: { tasks: 500, memoryPercent: 60, linkMbit: 100 },
      hfs: { backup: { repository: 'rest:https://me:secret@there/' } },
    });
    tree = mkdtempSync(join(tmpdir(), 'prolo-root-'));
    for (const folder of ['etc/pam.d', 'etc/ssh', 'usr/bin', 'usr/lib/systemd/system', 'var/lib/dbus'])
      mkdirSync(at(folder), { recursive: true });
    for (const file of ['etc/pam.d/login', 'etc/pam.d/su', 'etc/pam.d/cron']) writeFileSync(at(file), LOGIN);
    writeFileSync(at('etc/hostname'), 'builder\n');
    writeFileSync(at('etc/machine-id'), 'abc\n');
    writeFileSync(at('etc/ssh/ssh_host_rsa_key'), 'of the builder\n');
    writeFileSync(
      at('usr/lib/systemd/system/ssh.service'),
      '[Install]\nWantedBy=multi-user.target\nAlias=sshd.service\n',
    );
    // What Node needs to run there.
    for (const [, library] of execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).matchAll(
      /(\/\S+) \(0x/g,
    )) {
      mkdirSync(at(join(library!, '..')), { recursive: true });
      writeFileSync(at(library!), readFileSync(library!), { mode: 0o755 });
    }
  });
  after(async () => {
    await made.remove();
    rmSync(tree, { recursive: true, force: true });
  });

  /** Every path with what would tell that somebody touched it. */
  const snapshot = (): string[] =>
    readdirSync(tree, { recursive: true })
      .map(
        (path) => `${String(path)} ${lstatSync(at(String(path))).mtimeMs} ${lstatSync(at(String(path))).ino}`,
      )
      .sort();

  it('says what it would change, and changes nothing', async () => {
    const before = snapshot();
    const would = await configureRoot(made.site, tree, { dryRun: true });
    expect(would).to.include.members(['etc/prolo/prolo.yml', 'usr/bin/prolo', 'usr/lib/prolo/node']);
    expect(snapshot()).to.deep.equal(before);
  });

  it('has prolo, its units, the seat’s secrets for root alone, and nothing of the builder’s', async () => {
    const changed = await configureRoot(made.site, tree);
    expect(changed).to.include.members(['etc/pam.d/login', 'etc/hostname']);
    expect(parse(read('etc/prolo/secrets.yml'))).to.have.all.keys(
      'presencesync.publish',
      'hfs.shared',
      'udbsync.seats',
    );
    expect(lstatSync(at('etc/prolo/secrets.yml')).mode & 0o777).to.equal(0o600);
    expect(read('etc/prolo/prolo.yml')).not.to.match(/secret@/);
    for (const gone of ['etc/hostname', 'etc/ssh/ssh_host_rsa_key'])
      expect(existsSync(at(gone))).to.equal(false);
    expect(read('etc/machine-id')).to.equal('');
    expect(read('etc/ssh/ssh_host_ed25519_key')).to.equal(
      hostKeyOfSecret(made.site.secret('ssh.pcs')).privateText,
    );
    for (const unit of ['presenced', 'passwd', 'rootssh', 'shaping', 'limits'])
      expect(readlinkSync(at(`etc/systemd/system/multi-user.target.wants/prolo-${unit}.service`))).to.equal(
        `/usr/lib/systemd/system/prolo-${unit}.service`,
      );
    expect(readlinkSync(at('etc/systemd/system/multi-user.target.wants/ssh.service'))).to.equal(
      '/usr/lib/systemd/system/ssh.service',
    );
    expect(readlinkSync(at('etc/systemd/system/apt-daily.timer'))).to.equal('/dev/null');
    expect(read('etc/systemd/system/user-.slice.d/50-prolo.conf')).to.match(/^TasksMax=500$/m);
    expect(read('etc/systemd/system/user-.slice.d/50-prolo.conf')).to.match(/^MemoryMax=60%$/m);
    expect(read('etc/security/limits.d/prolo.conf')).to.match(/^10000:10999 hard nproc 500$/m);
    expect(read('etc/prolo/shaping')).to.match(/^link 100$/m);
  });

  it('asks the hook at doors only', () => {
    expect(read('etc/pam.d/login')).to.equal(
      withHook(LOGIN, { socket: '/run/prolo/presenced.sock', uids: ['10000-10999', '11000-11999'] }),
    );
    for (const file of ['etc/pam.d/su', 'etc/pam.d/cron']) expect(read(file)).to.equal(LOGIN);
  });

  it('is left as it is by a second time', async () => {
    const before = snapshot();
    expect(await configureRoot(made.site, tree)).to.deep.equal([]);
    expect(snapshot()).to.deep.equal(before);
  });

  it('is completed where a time before was broken off, or somebody changed it', async () => {
    writeFileSync(at('usr/lib/prolo/.node.prolo-new'), 'half of i');
    writeFileSync(at('usr/lib/prolo/node'), 'half');
    rmSync(at('etc/systemd/system/user-0.slice.d'), { recursive: true });
    rmSync(at('etc/systemd/system/tmp.mount'));
    symlinkSync('/etc/passwd', at('etc/systemd/system/tmp.mount'));
    writeFileSync(at('usr/lib/prolo/dist-of-before.cjs'), '');
    const changed = await configureRoot(made.site, tree);
    expect(changed).to.have.members([
      'usr/lib/prolo/node',
      'usr/lib/prolo/dist-of-before.cjs',
      'etc/systemd/system/user-0.slice.d/50-prolo.conf',
      'etc/systemd/system/tmp.mount',
    ]);
    expect(readdirSync(at('usr/lib/prolo'))).not.to.include('.node.prolo-new');
    expect(await configureRoot(made.site, tree)).to.deep.equal([]);
  });

  it('must have what Node needs, and be one', async () => {
    const library = at('usr/lib/x86_64-linux-gnu/libstdc++.so.6');
    const other = existsSync(library) ? library : at('lib/x86_64-linux-gnu/libstdc++.so.6');
    const text = readFileSync(other);
    rmSync(other);
    expect((await rejection(configureRoot(made.site, tree))).message).to.match(
      /prolo's Node does not run in it: .*libstdc\+\+/,
    );
    writeFileSync(other, text, { mode: 0o755 });
    expect((await rejection(configureRoot(made.site, join(tree, 'nowhere')))).message).to.match(
      /no root filesystem there/,
    );
  });
});

describe('the hook in a service of PAM', () => {
  const hook = { socket: '/run/p.sock', uids: ['10000-10999'] };

  it('stands after the account is good, and before anything of a session', () => {
    const lines = withHook(LOGIN, hook).split('\n');
    const place = (text: string): number => lines.findIndex((line) => line.includes(text));
    expect(lines.filter((line) => line.includes('prolo-pam'))).to.have.lengthOf(2);
    expect(lines[place('@include common-account') + 1]).to.match(
      /^account +requisite .*\/run\/p\.sock 60 10000-10999$/,
    );
    expect(lines[place('pam_loginuid') - 1]).to.match(/^session +requisite .*prolo-pam/);
    expect(lines.join('\n')).not.to.match(/user_readenv/);
  });
  it('is there once, with the newest arguments', () => {
    const once = withHook(LOGIN, hook);
    expect(withHook(once, hook)).to.equal(once);
    expect(withHook(withHook(LOGIN, { ...hook, socket: '/old' }), hook)).to.equal(once);
  });
  it('finds its places in files of other distributions, and in empty ones', () => {
    const arch =
      '#%PAM-1.0\nauth include system-login\naccount include system-login\nsession include system-login\n';
    const lines = withHook(arch, hook).split('\n');
    expect(lines.map((line) => line.split(/\s+/)[0])).to.deep.equal([
      '#%PAM-1.0',
      'auth',
      'account',
      'account',
      'session',
      'session',
      '',
    ]);
    expect(lines[3]).to.match(/prolo-pam/);
    expect(lines[4]).to.match(/prolo-pam/);
    expect(withHook('', hook).trim().split('\n')).to.have.lengthOf(2);
  });
});

describe('what a root filesystem is told', () => {
  it('ports, as the fewest masks that have these and no others', () => {
    expect(maskPorts([22])).to.deep.equal([{ port: 22, mask: 0xffff }]);
    const ports = Array.from({ length: 150 }, (_, i) => 20_000 + i);
    const masks = maskPorts(ports);
    expect(masks.length).to.be.below(8);
    const matched = Array.from({ length: 65_536 }, (_, port) => port).filter((port) =>
      masks.some(({ port: wanted, mask }) => (port & mask) === wanted),
    );
    expect(matched).to.deep.equal(ports);
  });
  it('where systemctl would link a unit', () => {
    const text =
      '[Unit]\nWantedBy=no.target\n[Install]\nWantedBy=a.target b.target\nRequiredBy=c.target\nAlias=d.service\nAlso=e.socket\n';
    expect(readInstall('x.service', text)).to.deep.equal({
      links: [
        'a.target.wants/x.service',
        'b.target.wants/x.service',
        'c.target.requires/x.service',
        'd.service',
      ],
      also: ['e.socket'],
    });
  });
  it('who it is itself, beside what somebody wrote', () => {
    const hosts = withLocalhost('127.0.1.1 builder\n10.0.0.1 printer\n');
    expect(hosts)
      .to.match(/^127\.0\.0\.1\tlocalhost$/m)
      .and.match(/^10\.0\.0\.1 printer$/m);
    expect(hosts).not.to.match(/builder/);
    expect(withLocalhost(hosts)).to.equal(hosts);
  });
});
