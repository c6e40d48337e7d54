import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { asProloError } from '../../../../src/lib/errors.ts';
import { makeArgv, type RootPlan } from '../../../../src/lib/rfs/root/init-plan.ts';
import {
  sourceOfArch,
  sourceOfMirror,
  sourcesOf,
  sourcesOfArch,
} from '../../../../src/lib/rfs/root/init-sources.ts';
import { planInit } from '../../../../src/lib/rfs/root/init.ts';
import { choosePackages, readPackageLines } from '../../../../src/lib/rfs/root/packages.ts';
import { renderTemplate } from '../../../../src/lib/template.ts';
import { rejection } from '../../../support/rejection.ts';
import { makeTestSite, type TestSite } from '../../../support/site.ts';

describe('which packages a root filesystem is made of', () => {
  it('a line is a package, a comment or nothing', () => {
    expect(readPackageLines('# all\n\nkmod   # modules\n  udev\n-dbus\n')).to.deep.equal([
      'kmod',
      'udev',
      '-dbus',
    ]);
  });

  it('later lines take away what earlier ones put in, and a package is named once', () => {
    const lists = [
      { from: 'a', lines: ['linux-image-amd64', 'kmod', 'ghc=9.0'] },
      { from: 'b', lines: ['kmod', '-linux-image-amd64', '-ghc', '-nothing', 'linux-image-cloud-amd64'] },
    ];
    expect(choosePackages(lists)).to.deep.equal(['kmod', 'linux-image-cloud-amd64']);
  });

  for (const word of ['--root=/', 'a b', 'Chromium', '', 'a,b', '../x', 'a;b'])
    it(`${JSON.stringify(word)} is no package`, () => {
      expect(() => choosePackages([{ from: 'profile mine', lines: [word] }])).to.throw(
        /^profile mine: .* is no package/,
      );
    });
});

describe('where packages come from', () => {
  const targets = `http://mirror.example/debian/ bookworm main
http://mirror.example/debian/ bookworm contrib
http://mirror.example/debian/ bookworm-updates main
http://mirror.example/debian-security/ bookworm-security main
http://mirror.example/debian/ trixie main
https://node.example/node_20.x/ nodistro main
http://packages.example/prolo/ bookworm main
`;

  it('the gateway’s sources of that release, with the firmware that Debian keeps apart', () => {
    expect(sourcesOf(targets, 'bookworm')).to.deep.equal([
      'deb http://mirror.example/debian/ bookworm main contrib non-free-firmware',
      'deb http://mirror.example/debian/ bookworm-updates main non-free-firmware',
      'deb http://mirror.example/debian-security/ bookworm-security main non-free-firmware',
      'deb http://packages.example/prolo/ bookworm main',
    ]);
  });

  it('of another release than the gateway’s: Debian’s own, as mmdebstrap knows them', () => {
    expect(sourcesOf(targets, 'forky')).to.deep.equal([]);
  });

  it('the mirror that the site names', () => {
    expect(sourceOfMirror('http://mirror.lan/debian', 'bookworm')).to.equal(
      'deb http://mirror.lan/debian bookworm main non-free-firmware',
    );
    expect(sourceOfArch('http://mirror.lan/arch/')).to.equal(
      'Server = http://mirror.lan/arch/$repo/os/$arch',
    );
  });

  it('of Arch on Arch: the gateway’s own mirrors', () => {
    const server = 'Server = http://mirror.example/arch/$repo/os/$arch';
    expect(sourcesOfArch(`# Worldwide\n#Server = http://no\n${server}\n`)).to.deep.equal([server]);
  });
});

describe('the call that makes a root filesystem', () => {
  const plan: RootPlan = {
    distribution: 'debian',
    suite: 'bookworm',
    packages: ['kmod', 'udev'],
    sources: ['deb http://mirror.lan/debian bookworm main'],
    tree: '/srv/staging.new',
  };

  it('of Debian', () => {
    expect(makeArgv(plan).join('\n')).to.equal(`mmdebstrap
--verbose
--format=directory
--skip=check/empty
--mode=root
--variant=minbase
--components=main,non-free-firmware
--include=kmod,udev
bookworm
/srv/staging.new
deb http://mirror.lan/debian bookworm main`);
  });

  it('of Arch, with keys of its own and the site’s mirror', () => {
    const arch: RootPlan = {
      ...plan,
      distribution: 'arch',
      sources: [sourceOfArch('https://mirror.example/arch')],
    };
    expect(makeArgv(arch).join(' ')).to.equal(
      'pacstrap -C /srv/staging.new.pacman.conf -K -M /srv/staging.new kmod udev',
    );
    expect(renderTemplate('rfs/profiles/arch/pacman.conf', arch)).to.equal(`[options]
Architecture = auto
CheckSpace
ParallelDownloads = 5
SigLevel = Required DatabaseOptional
LocalFileSigLevel = Optional

[core]
Server = https://mirror.example/arch/$repo/os/$arch

[extra]
Server = https://mirror.example/arch/$repo/os/$arch
`);
  });
});

describe('the plan of a site', () => {
  let test: TestSite;
  afterEach(() => test.remove());

  it('its own profile comes before ours of that name, base is always in, and prolo.yml has the last word', async () => {
    test = await makeTestSite({
      rfs: { profiles: ['judges'], packages: ['-nbd-client', 'hello'], mirror: 'http://mirror.lan/debian' },
    });
    mkdirSync(join(test.dir, 'rfs'));
    writeFileSync(join(test.dir, 'rfs/base.txt'), 'kmod\nnbd-client\n');
    writeFileSync(join(test.dir, 'rfs/judges.txt'), 'cowsay # moo\n');
    const { packages, sources } = await planInit(test.site);
    expect(packages).to.deep.equal(['kmod', 'cowsay', 'hello']);
    expect(sources).to.deep.equal(['deb http://mirror.lan/debian bookworm main non-free-firmware']);
    expect((await planInit(test.site, [])).packages).to.deep.equal(['kmod', 'hello']);
    const error = asProloError(await rejection(planInit(test.site, ['jugdes'])));
    expect(error.kind).to.equal('not-found');
    expect(`${error.message} ${error.hint}`).to.match(
      /^profile jugdes: none of that name there are base, desktop, extra, judges;/,
    );
  });

  it('Arch has the same profiles', async () => {
    test = await makeTestSite({ rfs: { distribution: 'arch', mirror: 'http://mirror.lan/arch' } });
    const { packages } = await planInit(test.site);
    expect(packages).to.include.members(['linux', 'lightdm-gtk-greeter', 'ghc']);
  });

  it('Arch from a gateway that is Debian needs a mirror', async function () {
    if (existsSync('/etc/pacman.d/mirrorlist')) return this.skip();
    test = await makeTestSite({ rfs: { distribution: 'arch' } });
    const { kind, message, hint } = asProloError(await rejection(planInit(test.site)));
    expect([kind, message, hint].join(' ')).to.match(/^config rfs\.mirror: not set, .*prolo\.yml/);
  });
});
