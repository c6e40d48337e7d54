import { expect } from 'chai';
import { enterArgv, resolvConfAt } from '../../../../src/lib/rfs/root/enter-argv.ts';
import { withoutRootPassword } from '../../../../src/lib/rfs/root/init-clean.ts';
import { readPhases } from '../../../../src/lib/rfs/root/init-phases.ts';
import { aptCalls, pacmanCalls, readPacmanPlan } from '../../../../src/lib/rfs/root/install-argv.ts';
import { complaintOf } from '../../../../src/lib/rfs/root/install-complaint.ts';
import { parseDpkg, parsePacman } from '../../../../src/lib/rfs/package-list.ts';
import { changeText, comparePackages, readAptPlan } from '../../../../src/lib/rfs/root/packages-changed.ts';

describe('what a person who waits is told', () => {
  const take = (lines: string[]) => {
    const phases = readPhases();
    return { said: lines.flatMap((line) => phases.take(line) ?? []), complaints: phases.complaints() };
  };

  it('each phase, and every tenth of the packages', () => {
    const { said } = take([
      'I: automatically chosen format: directory',
      'I: running apt-get update...',
      'Get:1 http://mirror.example/debian bookworm InRelease [151 kB]',
      'I: installing remaining packages inside the chroot...',
      '0 upgraded, 20 newly installed, 0 to remove and 0 not upgraded.',
      ...Array.from({ length: 20 }, (_, n) => `Setting up package${n} (1.0) ...`),
      'I: success in 18.6 seconds',
    ]);
    expect(said.slice(0, 3)).to.deep.equal([
      'asks for the lists of packages',
      'downloads and sets up the rest',
      '2 of 20 packages set up',
    ]);
    expect(said).to.have.length(12);
    expect(said.at(-1)).to.equal('20 of 20 packages set up');
  });

  it('what went wrong, once', () => {
    expect(
      take(['W: a', 'E: Unable to locate package helo', 'E: Unable to locate package helo']).complaints,
    ).to.deep.equal(['E: Unable to locate package helo']);
  });
});

describe('entering a tree', () => {
  it('is one call of systemd-nspawn, on this host’s network', () => {
    const argv = enterArgv(
      '/srv/staging',
      ['ls', '-l'],
      { console: 'pipe', readOnly: true, binds: [['/srv/c', '/var/cache/apt']], env: { A: 'b' } },
      { resolvConf: '/run/r', machine: 'staging-7' },
    );
    expect(argv.join('\n')).to.equal(`systemd-nspawn
--quiet
--directory=/srv/staging
--machine=staging-7
--hostname=staging
--register=no
--keep-unit
--as-pid2
--timezone=off
--link-journal=no
--console=pipe
--resolv-conf=off
--bind-ro=/etc/resolv.conf:/run/r
--read-only
--bind=/srv/c:/var/cache/apt
--setenv=LANG=C.UTF-8
--setenv=HISTFILE=/dev/null
--setenv=LESSHISTFILE=-
--setenv=INITRD=No
--setenv=A=b
--
ls
-l`);
  });

  for (const [link, at] of [
    [undefined, '/etc/resolv.conf'],
    ['../run/systemd/resolve/stub-resolv.conf', '/run/systemd/resolve/stub-resolv.conf'],
    ['/run/resolv.conf', '/run/resolv.conf'],
  ] as const)
    it(`resolv.conf that is ${link ?? 'a file'} is ${at}`, () => {
      expect(resolvConfAt(link)).to.equal(at);
    });
});

it('root has no password, wherever its line is', () => {
  const shadow = 'systemd-network:!*:20778::::::\nroot:$y$x:20778:0:99999:7:::\nrooty:$y$x:1::::::\n';
  expect(withoutRootPassword(shadow)).to.equal(
    'systemd-network:!*:20778::::::\nroot:*:20778:0:99999:7:::\nrooty:$y$x:1::::::\n',
  );
});

describe('what is asked of a package manager', () => {
  const wish = { action: 'install', packages: ['ghc'] } as const;

  it('apt', () => {
    expect(aptCalls(wish).plan.join(' ')).to.equal(
      'apt-get --quiet --yes --no-install-recommends --option=Dpkg::Use-Pty=0 install ghc --simulate',
    );
    const last = (action: 'remove' | 'upgrade', packages: string[]) =>
      aptCalls({ action, packages }).apply.slice(5).join(' ');
    expect(last('remove', ['ghc'])).to.equal('purge --auto-remove ghc');
    expect(last('upgrade', ['ghc'])).to.equal('install --only-upgrade ghc');
    expect(last('upgrade', [])).to.equal('dist-upgrade');
  });

  it('pacman', () => {
    expect(pacmanCalls(wish)).to.deep.equal({
      refresh: ['pacman', '--noconfirm', '--noprogressbar', '-Sy'],
      apply: ['pacman', '--noconfirm', '--noprogressbar', '-S', '--needed', 'ghc'],
      plan: [
        'pacman',
        '--noconfirm',
        '--noprogressbar',
        '-S',
        '--needed',
        'ghc',
        '--print',
        '--print-format',
        '%n %v',
      ],
    });
    const installed = new Map([['ghc-libs', '9.2-1']]);
    expect(readPacmanPlan('ghc 9.4-1\nghc-libs 9.4-1\n', wish, installed).map(changeText)).to.deep.equal([
      '+ ghc 9.4-1',
      '~ ghc-libs 9.2-1 -> 9.4-1',
    ]);
    const remove = pacmanCalls({ ...wish, action: 'remove' });
    expect([remove.plan[3], remove.apply[3]]).to.deep.equal(['-Rs', '-Rns']);
  });
});

describe('what became of packages', () => {
  it('of dpkg: those that are installed, not those of which only the configuration is left', () => {
    const status = `Package: hello
Status: install ok installed
Version: 2.10-3

Package: gone
Status: deinstall ok config-files
Version: 1

Package: man-db
Status: install ok triggers-pending
Version: 2.11
`;
    expect([...parseDpkg(status)]).to.deep.equal([
      ['hello', '2.10-3'],
      ['man-db', '2.11'],
    ]);
  });

  it('of pacman', () => {
    expect([
      ...parsePacman(
        ['ALPM_DB_VERSION', 'ca-certificates-20240618-1', 'linux-6.9.arch1-1'].map(
          (name) => `var/lib/pacman/local/${name}`,
        ),
      ),
    ]).to.deep.equal([
      ['ca-certificates', '20240618-1'],
      ['linux', '6.9.arch1-1'],
    ]);
  });

  it('in, out, and another version', () => {
    const before = new Map([
      ['a', '1'],
      ['b', '1'],
      ['c', '1'],
    ]);
    const after = new Map([
      ['a', '1'],
      ['c', '2'],
      ['d', '1'],
    ]);
    expect(comparePackages(before, after).map(changeText)).to.deep.equal(['- b 1', '~ c 1 -> 2', '+ d 1']);
  });

  it('what apt would do', () => {
    const text = `Remv old [1.0]
Inst hello (2.10-3 Debian:12.15/oldstable [amd64])
Inst bash [5.2-1] (5.2-2 Debian:12.15/oldstable [amd64]) []
Purg other [2.0]
Conf hello (2.10-3 Debian:12.15/oldstable [amd64])
`;
    expect(readAptPlan(text).map(changeText)).to.deep.equal([
      '~ bash 5.2-1 -> 5.2-2',
      '+ hello 2.10-3',
      '- old 1.0',
      '- other 2.0',
    ]);
  });

  for (const [kind, text] of [
    ['not-found', 'E: Unable to locate package helo'],
    ['not-found', 'error: target not found: helo'],
    ['full', "E: You don't have enough free space in /var/cache/apt/archives/."],
    ['unavailable', 'E: Failed to fetch http://x/y  Temporary failure resolving x'],
    ['unavailable', 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)'],
    ['unavailable', 'dpkg: error: dpkg frontend lock was locked by another process with pid 7'],
    ['unavailable', 'error: failed to init transaction (unable to lock database)'],
    [
      'refused',
      ' a : Depends: b but it is not installable\nE: Unable to correct problems, you have held broken packages.',
    ],
    ['failed', 'dpkg: error processing package a (--configure):'],
  ] as const)
    it(`${JSON.stringify(text)} is ${kind}`, () => {
      expect(complaintOf(text.split('\n'), 'staging', 'look').kind).to.equal(kind);
    });

  for (const [text, way] of [
    [
      'error: core: key "4AA4767BBC9C4B1D18AE28B77F2D434B9741E8AC" is unknown\nerror: required key missing from keyring',
      'pacman-key',
    ],
    ['error: failed to synchronize all databases (unable to lock database)', 'db.lck'],
    [
      "error: restricting filesystem access failed because Landlock is not supported by the kernel!\nerror: switching to sandbox user 'alpm' failed!",
      'DisableSandbox',
    ],
  ] as const)
    it(`of pacman, with ${way} as the way out`, () => {
      expect(complaintOf(text.split('\n'), 'staging', 'look').hint).to.contain(way);
    });
});
