import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  linkSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { describeDiff } from '../../../src/lib/rfs/describe-diff.ts';
import { chooseToRead, diffListings, foldChanges, withContents } from '../../../src/lib/rfs/diff.ts';
import { diffSides } from '../../../src/lib/rfs/diff-run.ts';
import { openImage, openTree, readPackages } from '../../../src/lib/rfs/diff-sides.ts';
import { makeImage } from '../../../src/lib/rfs/image.ts';
import {
  type FileFacts,
  type Listing,
  matchesAny,
  parseFind,
  parsePseudo,
} from '../../../src/lib/rfs/listing.ts';
import { compareVersions, diffPackages, parseDpkg, parsePacman } from '../../../src/lib/rfs/package-list.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';

const file = (facts: Partial<FileFacts> = {}): FileFacts => ({
  kind: 'file',
  mode: '644',
  owner: '0:0',
  bytes: 10,
  mtime: 1000,
  target: '',
  ...facts,
});
const listing = (files: Record<string, Partial<FileFacts>>): Listing =>
  new Map(Object.entries(files).map(([path, facts]) => [path, file(facts)]));

describe('versions of packages', () => {
  it('are ordered as Debian’s policy says', () => {
    const rising = [
      '0~~',
      '0~',
      '0',
      '0-1',
      '0a',
      '0+',
      '0.1',
      '1~rc1',
      '1',
      '1+b1',
      '1.2',
      '1.10',
      '2-1~a',
      '2-1',
      '2-1.1',
      '1:0',
    ];
    for (const [i, a] of rising.entries())
      for (const [j, b] of rising.entries())
        expect(Math.sign(compareVersions(a, b)), `${a} ${b}`).to.equal(Math.sign(i - j));
    expect(compareVersions('1.02', '1.2')).to.equal(0);
  });
  it('are ordered as dpkg does', function () {
    needs(this, { dpkg: 'dpkg' });
    const part = fc.stringMatching(/^[0-9][0-9a-c.+~]{0,6}(-[0-9a-c.+~]{1,4})?$/);
    fc.assert(
      fc.property(part, part, (a, b) => {
        const says = (op: string): boolean => {
          try {
            execFileSync('dpkg', ['--compare-versions', a, op, b], { stdio: 'ignore' });
            return true;
          } catch {
            return false;
          }
        };
        const order = compareVersions(a, b);
        return order < 0 ? says('lt') : order > 0 ? says('gt') : says('eq');
      }),
      { numRuns: 60 },
    );
  });
  it('are those that are installed', () => {
    const one = (name: string, version: string, status = 'install ok installed', arch = 'amd64'): string =>
      `Package: ${name}\nStatus: ${status}\nArchitecture: ${arch}\nVersion: ${version}\nDescription: x\n Package: no\n`;
    const before = parseDpkg(
      [
        one('gcc', '12-1'),
        one('vim', '9'),
        one('old', '1', 'deinstall ok config-files'),
        one('ed', '2'),
        one('libc6', '2.36', undefined, 'i386'),
      ].join('\n'),
    );
    const after = parseDpkg(
      [
        one('gcc', '14-1'),
        one('vim', '8'),
        one('mc', '4'),
        one('libc6', '2.36'),
        one('libc6', '2.36', undefined, 'i386'),
      ].join('\n'),
    );
    expect(diffPackages(before, after)).to.deep.equal({
      added: [
        { name: 'libc6:i386', version: '2.36' },
        { name: 'mc', version: '4' },
      ],
      removed: [{ name: 'ed', version: '2' }],
      upgraded: [{ name: 'gcc', from: '12-1', to: '14-1' }],
      downgraded: [{ name: 'vim', from: '9', to: '8' }],
    });
    expect([
      ...parsePacman([
        'var/lib/pacman/local/gcc-libs-14.2.1-1',
        'var/lib/pacman/local/gcc-libs-14.2.1-1/desc',
        'var/lib/pacman/local/ALPM_DB_VERSION',
      ]),
    ]).to.deep.equal([['gcc-libs', '14.2.1-1']]);
  });
});

describe('two listings', () => {
  it('differ by what is there, and by what is said of it', () => {
    const changes = diffListings(
      listing({
        same: {},
        gone: {},
        mode: {},
        size: {},
        time: {},
        kind: {},
        dir: { kind: 'folder' },
        link: { kind: 'link', target: 'a' },
        'tmp/x': {},
      }),
      listing({
        same: {},
        new: {},
        mode: { mode: '4755', owner: '0:5' },
        size: { bytes: 11, mtime: 2 },
        time: { mtime: 2 },
        kind: { kind: 'pipe' },
        dir: { kind: 'folder', mtime: 5 },
        link: { kind: 'link', target: 'b', mtime: 5 },
        'tmp/y': {},
      }),
      matchesAny(['tmp/*']),
    );
    expect(changes.map(({ path, what, aspects }) => [path, what, ...aspects].join(' '))).to.deep.equal([
      'gone removed',
      'kind changed kind',
      'link changed target',
      'mode changed mode owner',
      'new added',
      'size changed size',
      'time changed time',
    ]);
  });

  it('are read only where size and time cannot tell, the smaller ones first', () => {
    const from = listing({ a: { bytes: 50 }, b: { bytes: 20 }, c: { bytes: 30 }, d: { bytes: 1 } });
    const to = new Map(
      [...from].map(([path, facts]) => [path, { ...facts, mtime: path === 'd' ? 1000 : 2 }]),
    );
    const changes = diffListings(from, to);
    expect(chooseToRead(changes, to, { files: 9, bytes: 60 })).to.deep.equal(['b', 'c']);
    expect(chooseToRead(changes, to, { files: 1, bytes: 60 })).to.deep.equal(['b']);
    const read = withContents(
      changes,
      new Map([
        ['b', true],
        ['c', false],
      ]),
    );
    expect(read.map(({ path, aspects }) => [path, ...aspects].join(' '))).to.deep.equal([
      'a time',
      'c content',
    ]);
  });

  it('are folded: a new folder stands for what is in it, packages for their files', () => {
    const changes = diffListings(
      listing({ 'usr/bin/gcc': {} }),
      listing({
        'usr/bin/gcc': { bytes: 5 },
        opt: { kind: 'folder' },
        'opt-x': {},
        'opt/a': { kind: 'folder' },
        'opt/a/b': {},
        'opt/c': {},
      }),
    );
    const folded = foldChanges(changes, (path) => path === 'usr/bin/gcc');
    expect(folded.ofPackages).to.equal(1);
    expect(folded.shown.map(({ path, inside }) => [path, inside])).to.deep.equal([
      ['opt', 3],
      ['opt-x', 0],
    ]);
  });
});

describe('a version and staging', function () {
  this.timeout(60_000);
  let dir: string;
  let tree: string;
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  };
  const status = (gcc: string): string =>
    `Package: gcc\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${gcc}\n`;
  before(async function () {
    needs(this, { mksquashfs: 'squashfs-tools', unsquashfs: 'squashfs-tools' });
    dir = mkdtempSync(join(tmpdir(), 'prolo-diff-'));
    tree = join(dir, 'staging');
    put('usr/bin/gcc', 'gcc twelve');
    put('usr/bin/other', 'other');
    put('etc/motd', 'hello');
    put('etc/touched', 'the same');
    put('etc/a name\\with "signs"', '1');
    put('etc/two\nlines', '1');
    put('proc/not', 'an image’s');
    put('var/lib/dpkg/status', status('12.2-1'));
    put('var/lib/dpkg/info/gcc.list', '/.\n/bin\n/bin/gcc\n');
    symlinkSync('usr/bin', join(tree, 'bin'));
    symlinkSync('a b\\c', join(tree, 'etc/link'));
    linkSync(join(tree, 'etc/motd'), join(tree, 'etc/motd2'));
    execFileSync('mkfifo', [join(tree, 'etc/pipe')]);
    await makeImage(tree, join(dir, 'root.img'), { compression: 'zstd', blockBytes: 131072 });
  });
  after(() => dir && rmSync(dir, { recursive: true, force: true }));
  const open = async () =>
    Promise.all([openImage('version 1', join(dir, 'root.img')), openTree('staging', tree)]);

  it('are alike as long as nothing was done, whatever names there are', async () => {
    const [a, b] = await open();
    expect([...a.listing.keys()].sort()).to.deep.equal(
      [...b.listing.keys()].filter((path) => path !== 'proc/not').sort(),
    );
    const diff = await diffSides(a, b);
    expect(diff.files).to.deep.equal([]);
    expect([...describeDiff(diff, { packages: true, files: true, all: false })]).to.deep.equal([
      'from version 1 to staging',
      'the same packages',
      'the same files',
    ]);
  });

  it('differ by packages, by files, and by contents where nothing else tells', async () => {
    put('var/lib/dpkg/status', status('14.1-1'));
    utimesSync(join(tree, 'var/lib/dpkg/status'), 5, 5);
    put('usr/bin/gcc', 'gcc fourteen');
    put('etc/motd', 'olleh');
    utimesSync(join(tree, 'etc/motd'), 5, 5);
    utimesSync(join(tree, 'etc/touched'), 5, 5);
    put('opt/new/a', '');
    put('opt/new/b', '');
    chmodSync(join(tree, 'usr/bin/other'), 0o4755);
    rmSync(join(tree, 'etc/link'));
    const [a, b] = await open();
    const diff = await diffSides(a, b);
    expect([...describeDiff(diff, { packages: true, files: true, all: false })]).to.deep.equal([
      'from version 1 to staging',
      '~ package gcc 12.2-1 -> 14.1-1',
      '- /etc/link',
      '~ /etc/motd (content)',
      '~ /etc/motd2 (content)',
      '+ /opt/ and 3 in it',
      '~ /usr/bin/other (mode)',
      '2 files of the packages that differ: --files shows them',
    ]);
    const all = [...describeDiff(diff, { packages: false, files: true, all: true })];
    expect(all).to.include('~ /usr/bin/gcc (size)');
    expect(all).to.include('+ /opt/new/a');
    expect(all.join('\n')).to.not.contain('package ');
  });

  it('that are not there are named', async () => {
    expect((await rejection(openImage('version 9', join(dir, 'none.img')))).message).to.match(
      /^version 9: .* is not there/,
    );
    expect((await rejection(openTree('staging', join(dir, 'none')))).message).to.match(
      /^staging: .* is not there/,
    );
    writeFileSync(join(dir, 'bad.img'), 'no image'.repeat(1000));
    expect((await rejection(openImage('version 9', join(dir, 'bad.img')))).message).to.match(
      /SQUASHFS superblock/,
    );
  });

  it('cannot be told where the list of packages cannot be read', async () => {
    const image = readFileSync(join(dir, 'root.img'));
    writeFileSync(join(dir, 'damaged.img'), image.fill(0xff, 96, 200));
    const error = await rejection(
      openImage('version 1', join(dir, 'damaged.img')).then((side) => readPackages(side)),
    );
    expect(error.message).to.match(/^version 1: .*damaged\.img: ./);
  });
});

describe('what unsquashfs and find print', () => {
  it('is read whatever names have in them', () => {
    const names = fc.stringMatching(/^[a-z \\"'\n]{1,8}$/);
    fc.assert(
      fc.property(fc.uniqueArray(names, { maxLength: 6 }), (paths) => {
        const escape = (text: string): string => text.replace(/[\\" ]/g, '\\$&');
        const pseudo = paths.map((path) => `${escape(path)} R 1000 644 0 0 10 0`).join('\n');
        const find = paths
          .map((path) => [path, 'f', '644', '0:0', '10', '1000.5', ''].join('\0') + '\0')
          .join('');
        const wanted = new Map(paths.map((path) => [path, file()]));
        expect(parseFind(find)).to.deep.equal(wanted);
        expect(parsePseudo(`/ D 1 755 0 0\n${pseudo}`)).to.deep.equal(wanted);
      }),
    );
  });
});
