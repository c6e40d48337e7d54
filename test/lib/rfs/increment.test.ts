import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { layoutOf, readBase, writeFacts } from '../../../src/lib/rfs/base.ts';
import { listTree } from '../../../src/lib/rfs/fingerprint.ts';
import { makeImage } from '../../../src/lib/rfs/image.ts';
import { type Delta, makeIncrement } from '../../../src/lib/rfs/increment.ts';
import type { Manifest } from '../../../src/lib/rfs/manifest.ts';
import { parseFacts } from '../../../src/lib/rfs/squashfs/facts.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';
import { mountXfs } from '../../support/xfs.ts';

const packing = { compression: 'zstd', blockBytes: 131072 } as const;
const layout = layoutOf(packing, '');
const MIB = 1024 ** 2;

/** Numbers below 1, by a seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

describe('an image made out of the one before', function () {
  this.timeout(120_000);
  let dir: string;
  const at = (...names: string[]): string => join(dir, ...names);
  const tree = (path: string): string => at('tree', path);

  beforeEach(function () {
    needs(this, {
      mksquashfs: 'squashfs-tools',
      unsquashfs: 'squashfs-tools',
      zstd: 'zstd',
      rsync: 'rsync',
      setfattr: 'attr',
    });
    if (process.getuid?.() !== 0) this.skip();
    dir = mkdtempSync(join(tmpdir(), 'prolo-increment-'));
    for (const name of ['tree', 'work', 'versions/1']) mkdirSync(at(name), { recursive: true });
  });
  afterEach(() => dir && rmSync(dir, { recursive: true, force: true }));

  const image = (version: number): string => at('versions', String(version), 'root.img');

  /** As a version's folder is once it is made. @param later the tree is listed so long after the last change */
  async function keep(version: number, later = 1000): Promise<void> {
    const facts = (await listTree(at('tree'))).facts();
    await writeFacts(dirname(image(version)), layout, new Date(Date.now() + later), facts);
  }
  async function makeFirst(): Promise<void> {
    await makeImage(at('tree'), image(1), packing);
    await keep(1);
  }
  async function makeNext(version: number): Promise<Delta> {
    const sha256 = createHash('sha256')
      .update(readFileSync(image(version - 1)))
      .digest('hex');
    const manifest = {
      version: version - 1,
      files: { 'root.img': { bytes: 0, sha256 } },
    } as unknown as Manifest;
    mkdirSync(dirname(image(version)), { recursive: true });
    const delta = await makeIncrement({
      staging: at('tree'),
      facts: (await listTree(at('tree'))).facts(),
      base: (await readBase(at('versions'), manifest, layout))!,
      blockBytes: packing.blockBytes,
      image: image(version),
      work: at('work'),
      madeAt: new Date(),
    });
    expect(readdirSync(at('work'))).to.deep.equal([]);
    await keep(version);
    return delta;
  }
  /** What is unpacked of both is the same: contents, kinds, owners, times, attributes, which names are one file. */
  async function mustBeLikeWhole(version: number): Promise<void> {
    await makeImage(at('tree'), at('whole.img'), packing);
    for (const [from, to] of [
      [image(version), 'a'],
      [at('whole.img'), 'b'],
    ] as const)
      execFileSync('unsquashfs', ['-q', '-n', '-d', at(to), from], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    const differ = (from: string, to: string): string =>
      execFileSync('rsync', ['-aHAXni', '--checksum', '--delete', `${at(from)}/`, `${at(to)}/`], {
        encoding: 'utf8',
      });
    expect(differ('a', 'b')).to.equal('');
    expect(differ('b', 'a')).to.equal('');
    const list = (file: string): string[] =>
      execFileSync('unsquashfs', ['-lln', file], { encoding: 'utf8', maxBuffer: 1e9 })
        .split('\n')
        .filter((line) => !line.startsWith('d')) // a folder's size is of its list, which may be cut in other places
        .sort();
    expect(list(image(version))).to.deep.equal(list(at('whole.img')));
    for (const name of ['a', 'b']) rmSync(at(name), { recursive: true });
  }

  it('has every kind of file, as a whole image has it', async () => {
    mkdirSync(tree('etc/empty'), { recursive: true });
    mkdirSync(tree('run/left'), { recursive: true });
    mkdirSync(tree('big'), { recursive: true });
    writeFileSync(tree('run/left/out'), 'x');
    writeFileSync(tree('etc/one'), 'one');
    linkSync(tree('etc/one'), tree('etc/two'));
    writeFileSync(tree('etc/same'), Buffer.alloc(300_000, 'same'));
    writeFileSync(tree('etc/same too'), Buffer.alloc(300_000, 'same'));
    writeFileSync(tree('etc/nothing'), '');
    writeFileSync(tree('etc/hole'), 'x');
    truncateSync(tree('etc/hole'), 700_000);
    writeFileSync(tree('etc/tab\tnew\nline \u00e9'), 'odd');
    symlinkSync('one', tree('etc/link'));
    for (const [name, ...kind] of [
      ['null', 'c', '1', '3'],
      ['disk', 'b', '8', '300'],
      ['pipe', 'p'],
    ] as const)
      execFileSync('mknod', [tree(`etc/${name}`), ...kind]);
    for (let i = 0; i < 3000; i++) writeFileSync(tree(`big/a long name so that lists are long ${i}`), `${i}`);
    chownSync(tree('etc/two'), 70_000, 4_000_000_000);
    chmodSync(tree('etc/same'), 0o6755);
    execFileSync('setfattr', ['-n', 'user.note', '-v', 'kept', tree('etc/same')]);
    execFileSync('setfattr', ['-n', 'user.note', '-v', 'kept', tree('etc/empty')]);
    await makeFirst();

    for (const name of ['[ab]', '*', 'a?', 'b\\c', '-rf', '!(x)', '{x,y}', '...', 'blank ', 'n'.repeat(255)])
      writeFileSync(tree(`etc/${name}`), name);
    chmodSync(tree('etc/same too'), 0o600);
    writeFileSync(tree('big/one more'), 'new');
    rmSync(tree('big/a long name so that lists are long 7'));
    linkSync(tree('etc/two'), tree('big/three'));
    symlinkSync('elsewhere', tree('etc/link2'));
    execFileSync('setfattr', ['-n', 'user.note', '-v', 'new', tree('etc/nothing')]);
    execFileSync('setfattr', ['-n', 'trusted.other', '-v', 'new', tree('etc/null')]);
    chmodSync(tree(''), 0o711);
    utimesSync(tree('etc'), 1, 2);
    await makeNext(2);
    await mustBeLikeWhole(2);

    rmSync(tree('etc/same'));
    await makeNext(3);
    await mustBeLikeWhole(3);
    rmSync(tree('etc/link2'));
    await makeNext(4);
    await mustBeLikeWhole(4);
  });

  it('has nothing of what was taken away, and all else where it was', async () => {
    const data = (seed: number, bytes: number): Buffer => {
      const random = createRandom(seed);
      return Buffer.from(Array.from({ length: bytes }, () => random() * 256));
    };
    for (let i = 0; i < 20; i++) writeFileSync(tree(`file${i}`), data(i, 20_000));
    await makeFirst();
    rmSync(tree('file3'));
    writeFileSync(tree('file7'), data(77, 20_000));
    const delta = await makeNext(2);
    await mustBeLikeWhole(2);
    const [before, after] = [readFileSync(image(1)), readFileSync(image(2))];
    for (const [i, is] of [
      [2, true],
      [3, false],
      [7, false],
      [77, true],
    ] as const)
      expect(after.includes(data(i, 20_000)), `${i}`).to.equal(is);
    for (const { start, end } of delta.zeroed) before.fill(0, start, end);
    expect(after.subarray(96, delta.from).equals(before.subarray(96, delta.from))).to.equal(true);
    expect(delta.bytes).to.equal(after.length);
    expect(after.length % 4096).to.equal(0);
  });

  it('is none of a damaged one, of one that is packed otherwise, of one that most of is gone', async () => {
    for (let i = 0; i < 9; i++) writeFileSync(tree(`file${i}`), Buffer.alloc(9000, `${i} ${Math.random()}`));
    await makeFirst();
    writeFileSync(tree('file1'), 'small');
    const bytes = readFileSync(image(1));
    const manifest = {
      version: 1,
      files: { 'root.img': { sha256: createHash('sha256').update(bytes).digest('hex') } },
    } as unknown as Manifest;
    expect(await readBase(at('versions'), manifest, layoutOf({ ...packing, blockBytes: MIB }, ''))).to.equal(
      undefined,
    );
    const run = async () =>
      makeIncrement({
        staging: at('tree'),
        facts: (await listTree(at('tree'))).facts(),
        base: (await readBase(at('versions'), manifest, layout))!,
        blockBytes: packing.blockBytes,
        image: at('new.img'),
        work: at('work'),
        madeAt: new Date(),
      });
    bytes[200]! ^= 1;
    writeFileSync(image(1), bytes);
    expect((await rejection(run())).message).to.equal('the last image is damaged here');
    for (let i = 0; i < 4; i++) writeFileSync(tree(`file${i}`), Buffer.alloc(9000, 'changed'));
    expect((await rejection(run())).message).to.equal('much has changed');
    for (let i = 0; i < 4; i++) rmSync(tree(`file${i}`));
    expect((await rejection(run())).message).to.match(/files that went$/);
    expect(readdirSync(at('work'))).to.deep.equal([]);
  });

  it('a file that was listed within a tick of its change counts as changed', async () => {
    writeFileSync(tree('file'), 'x');
    await makeImage(at('tree'), image(1), packing);
    const keptAfter = async (later: number): Promise<string[]> => {
      await keep(1, later);
      const { before } = (await readBase(at('versions'), { version: 1 } as Manifest, layout))!;
      const found = parseFacts((await listTree(at('tree'))).facts(), before);
      return found.flatMap(({ path, kept }) => (kept && path !== '' ? [path] : []));
    };
    expect(await keptAfter(-60_000)).to.deep.equal([]);
    expect(await keptAfter(1000)).to.deep.equal(['file']);
  });

  it('is made of none whose list is damaged', async () => {
    const manifest = { version: 1 } as Manifest;
    for (const text of ['', 'no end', '\0\0\0\n', 'null\n', `${JSON.stringify({ layout })}\n`]) {
      writeFileSync(at('versions/1/.facts'), text);
      expect(await readBase(at('versions'), manifest, layout), text).to.equal(undefined);
    }
  });

  describe('what find says of it', () => {
    const line = (changed: string, inode: number, path: string): string =>
      `f\t644\t0\t0\t5\t1.0\t${changed}\t${inode}\t${path}`;
    const parse = (lines: string[], surelyAt: number) =>
      parseFacts(Buffer.from(lines.map((one) => `${one}\0\0`).join('')), {
        lines: new Set(lines),
        surelyAt,
      });

    it('makes one file of two names with one number only where all else is the same: an overlay gives a number twice', () => {
      const [one, link, other] = parse([line('7.1', 9, 'a'), line('7.1', 9, 'b'), line('7.2', 9, 'c')], 100);
      expect(one!.inode).to.equal(link!.inode);
      expect(one!.inode).not.to.equal(other!.inode);
    });

    it('has ticks of seconds where the file system keeps no parts of them', () => {
      const kept = (changed: string): boolean => parse([line(changed, 9, 'a')], 100)[0]!.kept;
      expect(kept('99.5000000000')).to.equal(true);
      expect(kept('99.0000000000')).to.equal(false);
      expect(kept('97.0000000000')).to.equal(true);
    });
  });

  it('is none where an image is of another state than what find said of it', async () => {
    for (const name of ['one', 'two']) writeFileSync(tree(name), Buffer.alloc(9000, name));
    await makeImage(at('tree'), image(1), packing);
    appendFileSync(tree('one'), 'more');
    await keep(1);
    writeFileSync(tree('three'), 'x');
    expect((await rejection(makeNext(2))).message).to.equal('one is of another length in an image');
  });

  it('takes no room for what is the same, where files can share it', async function () {
    needs(this, { 'mkfs.xfs': 'xfsprogs' });
    const versions = mountXfs(at('versions'));
    try {
      mkdirSync(at('versions/1'));
      writeFileSync(tree('ballast'), randomBytes(32 * MIB));
      await makeFirst();
      writeFileSync(tree('new'), randomBytes(MIB));
      const before = versions.usedBytes();
      await makeNext(2);
      expect(versions.usedBytes() - before).to.be.within(MIB, 4 * MIB);
      await mustBeLikeWhole(2);
    } finally {
      versions.remove();
    }
  });

  for (const seed of [1, 2, 3])
    it(`a chain of them, each after changes at random (${seed}), is like a whole image each time`, async () => {
      const random = createRandom(seed);
      const pick = (below: number): number => Math.floor(random() * below);
      const paths = (): string[] =>
        execFileSync('find', [at('tree'), '-mindepth', '1', '-printf', '%P\\n'], { encoding: 'utf8' })
          .split('\n')
          .filter(Boolean)
          .sort();
      const folders = (): string[] => ['', ...paths().filter((path) => lstatSync(tree(path)).isDirectory())];
      const fresh = (): string => join(folders()[pick(folders().length)]!, `n${pick(1e6)}`);
      const bytes = (): Buffer => Buffer.alloc(pick(3) === 0 ? pick(400_000) : pick(3000), `${random()}`);
      const changes: (() => void)[] = [
        () => writeFileSync(tree(fresh()), bytes()),
        () => writeFileSync(tree(fresh()), bytes()),
        () => mkdirSync(tree(fresh())),
        () => symlinkSync(`to ${pick(99)}`, tree(fresh())),
        () => execFileSync('mknod', [tree(fresh()), 'p']),
        () => chmodSync(tree(some()), pick(0o10000)),
        () => chownSync(tree(some()), pick(100_000), pick(100_000)),
        () => utimesSync(tree(some()), pick(2e9), pick(2e9)),
        () => execFileSync('setfattr', ['-n', 'user.a', '-v', `${pick(5)}`, tree(some())]),
        () => linkSync(tree(some()), tree(fresh())),
        () => rmSync(tree(some())),
        () => renameSync(tree(some()), tree(fresh())),
        () => appendFileSync(tree(some()), bytes()),
        () => appendFileSync(tree(some()), bytes()),
      ];
      const some = (): string => {
        const files = paths().filter((path) => path !== 'ballast' && lstatSync(tree(path)).isFile());
        return files[pick(files.length)]!;
      };
      for (let i = 0; i < 60; i++) changes[pick(3)]!();
      writeFileSync(tree('ballast'), Buffer.from(Array.from({ length: 4 * MIB }, () => pick(256))));
      await makeFirst();
      for (let version = 2; version < 6; version++) {
        for (let i = 0; i < 12; i++) changes[pick(changes.length)]!();
        await makeNext(version);
        await mustBeLikeWhole(version);
      }
      expect(statSync(image(1)).size).to.be.greaterThan(4 * MIB);
    });
});
