import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { keyPairOf } from '../../../src/lib/ed25519.ts';
import type { ProloError } from '../../../src/lib/errors.ts';
import { fingerprint, listTree } from '../../../src/lib/rfs/fingerprint.ts';
import { mustBeHashTree } from '../../../src/lib/rfs/image.ts';
import { findHashes, findLeftovers, hashedAccounts, isSeatSecrets } from '../../../src/lib/rfs/leftovers.ts';
import type { Manifest } from '../../../src/lib/rfs/manifest.ts';
import { type Commit, findDamage, makeVersion, readManifest } from '../../../src/lib/rfs/version.ts';
import { kernelTreeOfLab, makeStaging, needsKernel } from '../../support/rfs.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';

const keys = keyPairOf('11'.repeat(32));

describe('a version of the root filesystem', function () {
  this.timeout(60_000);
  let dir: string;
  let commit: Commit;
  before(async function () {
    needs(this, {
      mksquashfs: 'squashfs-tools',
      unsquashfs: 'squashfs-tools',
      veritysetup: 'cryptsetup-bin',
    });
    needsKernel(this);
    dir = mkdtempSync(join(tmpdir(), 'prolo-rfs-'));
    const staging = join(dir, 'staging');
    await makeStaging(staging, kernelTreeOfLab());
    writeFileSync(join(staging, 'etc/motd'), 'welcome\n');
    commit = {
      staging,
      dir: join(dir, 'versions'),
      version: 1,
      message: 'the first one',
      by: 'root@gw',
      at: new Date('2026-05-08T22:00:00Z'),
      treeFingerprint: await fingerprint(staging),
      fingerprint: 'f'.repeat(64),
      packing: { compression: 'zstd', blockBytes: 131072 },
      packedFirst: { sortList: 'etc/motd 2\n', aheadBytes: 2_500_000 },
      keys,
    };
  });
  after(() => dir && rmSync(dir, { recursive: true, force: true }));

  it('is made whole: image, hash tree, kernel, initramfs, a signed manifest', async () => {
    const { manifest } = await makeVersion(commit);
    expect(readdirSync(commit.dir)).to.deep.equal(['1']);
    expect(await readManifest(commit.dir, 1, keys)).to.deep.equal(manifest);
    expect(await findDamage(commit.dir, manifest)).to.deep.equal([]);
    const at = (name: string): string => join(commit.dir, '1', name);
    execFileSync('veritysetup', ['verify', at('root.img'), at('root.verity'), manifest.rootHash]);
    expect(execFileSync('unsquashfs', ['-cat', at('root.img'), 'etc/motd'], { encoding: 'utf8' })).to.equal(
      'welcome\n',
    );
    expect(manifest.kernelVersion).to.match(/cloud-amd64$/);
  });

  it('is refused when it is not signed by the site, or says another number', async () => {
    const other = { publicKey: keyPairOf('22'.repeat(32)).publicKey };
    expect((await rejection(readManifest(commit.dir, 1, other))).message).to.equal(
      "version 1: it is not signed by this site's key",
    );
    cpSync(join(commit.dir, '1'), join(commit.dir, '7'), { recursive: true });
    expect((await rejection(readManifest(commit.dir, 7, keys))).message).to.equal(
      "version 7: its manifest is version 1's",
    );
    expect((await rejection(readManifest(commit.dir, 8, keys))).message).to.match(/^version 8: ENOENT/);
  });

  it('a flipped byte is found', async () => {
    const manifest = await readManifest(commit.dir, 1, keys);
    const image = join(commit.dir, '7', 'root.img');
    const bytes = readFileSync(image);
    bytes[100_000]! ^= 1;
    writeFileSync(image, bytes);
    expect(await findDamage(commit.dir, { ...manifest, version: 7 })).to.deep.equal(['root.img']);
  });

  it('leaves nothing when the tree changes while it is read', async () => {
    const changing = {
      ...commit,
      version: 2,
      onStep: (what: string) =>
        what === 'image' && writeFileSync(join(commit.staging, 'etc/motd'), 'changed\n'),
    };
    expect((await rejection(makeVersion(changing))).message).to.match(/it changed while it was read/);
    expect(existsSync(join(commit.dir, '2'))).to.equal(false);
    expect(readdirSync(commit.dir).filter((name) => name.startsWith('.'))).to.deep.equal([]);
  });

  it('is made out of one whose hashes are gone by then', async () => {
    const make = async (version: number, before: Manifest | undefined, onStep?: (what: string) => void) => {
      const listing = await listTree(commit.staging);
      const listedAt = new Date(Date.now() + 1000);
      const increment = { before, layout: 'like it', facts: listing.facts(), listedAt, repack: false };
      const { fingerprint: treeFingerprint } = listing;
      return makeVersion({ ...commit, version, treeFingerprint, increment, ...(onStep ? { onStep } : {}) });
    };
    const { manifest } = await make(8, undefined);
    writeFileSync(join(commit.staging, 'etc/motd'), 'out of another\n');
    const old = join(commit.dir, '8/root.verity');
    const made = await make(9, manifest, (what) => what === 'hashes' && rmSync(old));
    expect(made.delta?.base).to.equal(8);
    expect(await findDamage(commit.dir, made.manifest)).to.deep.equal([]);
    expect(readdirSync(join(commit.dir, '9'))).to.have.lengthOf(7);
    const at = (name: string): string => join(commit.dir, '9', name);
    await mustBeHashTree(at('root.img'), at('root.verity'), made.manifest.rootHash);
  });

  it('is none where the tree cannot be listed while it is hashed, and that is said', async () => {
    const staging = join(dir, 'going');
    cpSync(commit.staging, staging, { recursive: true, verbatimSymlinks: true });
    const going = {
      ...commit,
      version: 4,
      staging,
      onStep: (what: string) => what === 'hashes' && rmSync(staging, { recursive: true }),
    };
    const unheard: unknown[] = [];
    const onUnheard = (error: unknown): number => unheard.push(error);
    process.on('unhandledRejection', onUnheard); // it would end the command at once, with all that is left then
    try {
      expect((await rejection(makeVersion(going))).message).to.match(/^staging .*No such file/);
    } finally {
      process.off('unhandledRejection', onUnheard);
    }
    expect(unheard).to.deep.equal([]);
    expect(readdirSync(commit.dir).filter((name) => name.startsWith('.'))).to.deep.equal([]);
  });

  it('on a full disk says which folder, and the way out, whoever finds no room', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const image = statSync(join(commit.dir, '1/root.img')).size;
    const kernel = statSync(
      join(
        commit.staging,
        'boot',
        readdirSync(join(commit.staging, 'boot')).find((name) => name.startsWith('vmlinuz'))!,
      ),
    ).size;
    for (const size of [image / 2, image + kernel / 2, image + kernel + 1024 ** 2]) {
      const small = join(dir, 'small');
      mkdirSync(small, { recursive: true });
      execFileSync('mount', [
        '-t',
        'tmpfs',
        '-o',
        `size=${Math.floor(size) + 17 * 1024 ** 2}`,
        'none',
        small,
      ]);
      try {
        writeFileSync(join(small, 'filler'), '');
        const filling = {
          ...commit,
          dir: small,
          version: 5,
          onStep: (what: string) =>
            what === 'image' && writeFileSync(join(small, 'filler'), Buffer.alloc(17 * 1024 ** 2)),
        };
        const error = (await rejection(makeVersion(filling))) as ProloError;
        expect(error.kind).to.equal('full');
        expect(error.message).to.include(`folder ${small}`);
        expect(error.hint).to.match(/rfs prune/);
        expect(readdirSync(small)).to.deep.equal(['filler']);
      } finally {
        execFileSync('umount', [small]);
      }
    }
  });

  it('needs a kernel', async () => {
    const bare = join(dir, 'bare');
    mkdirSync(bare);
    const error = await rejection(
      makeVersion({ ...commit, version: 3, staging: bare, treeFingerprint: await fingerprint(bare) }),
    );
    expect(error.message).to.match(/no kernel with its modules/);
  });
});

describe('leftovers', () => {
  const found = (...paths: string[]): string[] =>
    findLeftovers(paths.map((path) => ({ path, bytes: 10 }))).map(({ path }) => path);

  it('are identities, histories, keys and passwords', () => {
    const unsafe = [
      'etc/machine-id',
      'root/.bash_history',
      'home/builder/.python_history',
      'root/.sh_history',
      'root/.local/share/fish/fish_history',
      'root/.ssh/id_ed25519',
      'root/.ssh/work',
      'root/.ssh/authorized_keys',
      'etc/ssh/ssh_host_rsa_key',
      'root/.netrc',
      'var/lib/systemd/random-seed',
    ];
    expect(found(...unsafe)).to.deep.equal(unsafe);
  });
  it('are not what every machine has', () => {
    expect(
      found('root/.ssh/id.pub', 'etc/ssh/ssh_host_ed25519_key', 'etc/passwd', 'usr/share/bash_history'),
    ).to.deep.equal([]);
  });
  it('are hashes of passwords, locked or not', () => {
    const shadow = [
      'root:$y$j9T$abc:1::',
      'old:!$6$x$y:1::',
      'des:abcdefghijklm:1::',
      'no:*:1::',
      'off:!:1::',
      'none::1::',
    ];
    expect(hashedAccounts(`${shadow.join('\n')}\n`)).to.deep.equal(['root', 'old', 'des']);
    const files = ['etc/shadow', 'etc/shadow-', 'home/shadow'].map((path) => ({ path, bytes: 10 }));
    expect(findHashes(files, () => 'root:$y$x:1::\n').map(({ path }) => path)).to.deep.equal([
      'etc/shadow',
      'etc/shadow-',
    ]);
  });
  it('are secrets too, but for the file of a seat with nothing else in it', () => {
    expect(found('etc/prolo/secrets.yml', 'root/secrets.yml')).to.have.lengthOf(2);
    const seat = 'presencesync.publish: a\nhfs.shared: b\nudbsync.seats: c\n';
    const isSeat = (path: string, text: string): boolean => isSeatSecrets(path, () => text);
    expect(isSeat('etc/prolo/secrets.yml', seat)).to.equal(true);
    expect(isSeat('root/secrets.yml', seat)).to.equal(false);
    expect(isSeat('etc/prolo/secrets.yml', `${seat}udbsync.subscribe: d\n`)).to.equal(false);
    expect(isSeat('etc/prolo/secrets.yml', '[')).to.equal(false);
  });
  it('an empty machine-id is what systemd wants', () => {
    expect(findLeftovers([{ path: 'etc/machine-id', bytes: 0 }])).to.deep.equal([]);
  });
});
