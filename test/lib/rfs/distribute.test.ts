import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { keyPairOf } from '../../../src/lib/ed25519.ts';
import { bringVersion, type Remote, wrongHashes } from '../../../src/lib/rfs/distribute.ts';
import { hashFile } from '../../../src/lib/rfs/image.ts';
import {
  type Manifest,
  MANIFEST,
  renderManifest,
  SIGNATURE,
  signManifest,
  VERSION_FILES,
} from '../../../src/lib/rfs/manifest.ts';
import { finishScript } from '../../../src/lib/rfs/remote-scripts.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';
import { sshPackages } from '../../support/ssh-site.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';

const MIB = 1024 * 1024;

describe('a version that a server has received', () => {
  it('is none where the disk said, once, that it has not got it', () => {
    const root = mkdtempSync(join(tmpdir(), 'prolo-rfs-'));
    try {
      const [dir, bin] = [join(root, 'versions'), join(root, 'bin')];
      mkdirSync(join(dir, '.new-1'), { recursive: true });
      mkdirSync(bin);
      writeFileSync(join(dir, '.new-1/root.img'), 'data');
      const sha256 = createHash('sha256').update('data').digest('hex');
      const finish = (): SpawnSyncReturns<string> =>
        spawnSync('sh', ['-c', finishScript(dir, 1, [{ name: 'root.img', sha256 }])], {
          encoding: 'utf8',
          env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
        });
      const once = `#!/bin/sh\n[ -e ${root}/said ] && exit 0\ntouch ${root}/said; exit 1\n`;
      writeFileSync(join(bin, 'sync'), once, { mode: 0o755 });
      expect(finish().status).not.to.equal(0);
      expect(readdirSync(dir)).to.deep.equal(['.new-1']);
      expect(finish().status).to.equal(0);
      expect(readdirSync(dir)).to.deep.equal(['1']);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});

describe('a version on its way to a server', function () {
  this.timeout(60_000);
  let root: string;
  let dir: string;
  /** What the server has where `dir` is here. */
  let there: string;
  let sshd: Sshd;
  let remote: Remote;

  before(async function () {
    needs(this, { ...sshPackages, rsync: 'rsync', unshare: 'util-linux' });
    root = mkdtempSync(join(tmpdir(), 'prolo-rfs-'));
    [dir, there] = [join(root, 'versions'), join(root, 'server')];
    mkdirSync(dir);
    mkdirSync(there);
    sshd = await startSshd({ machines: 1, mounts: { [dir]: there } });
    remote = {
      hostname: 'rhfs01',
      at: `${sshd.user}@${sshd.ip(1)}`,
      ssh: [
        'ssh',
        '-p',
        String(sshd.port),
        '-i',
        sshd.identity,
        '-o',
        `UserKnownHostsFile=${join(root, 'known')}`,
        '-o',
        'StrictHostKeyChecking=accept-new',
        '-o',
        'BatchMode=yes',
      ],
    };
  });
  after(async () => {
    await sshd?.stop();
    if (root) rmSync(root, { recursive: true, force: true });
  });

  /** A version whose image differs from the one before in a few places. */
  async function makeFiles(version: number): Promise<Manifest> {
    const folder = join(dir, String(version));
    mkdirSync(folder);
    const image = existsSync(join(dir, String(version - 1)))
      ? readFileSync(join(dir, String(version - 1), 'root.img'))
      : Buffer.from(Array.from({ length: 20 * MIB }, (_, i) => (i * 7919) >> 5));
    for (let at = version * 4096; at < image.length; at += 5 * MIB) image.write(`version ${version}`, at);
    writeFileSync(join(folder, 'root.img'), image);
    for (const name of ['root.verity', 'vmlinuz', 'initrd.img'])
      writeFileSync(join(folder, name), `${name} ${version}\n`);
    const files = Object.fromEntries(
      await Promise.all(
        VERSION_FILES.map(async (name) => [name, await hashFile(join(folder, name))] as const),
      ),
    ) as Manifest['files'];
    const hex = 'ab'.repeat(32);
    const manifest = {
      version,
      message: '',
      by: 'root@gw',
      at: '',
      kernelVersion: '6',
      rootHash: hex,
      fingerprint: hex,
      files,
    };
    writeFileSync(join(folder, MANIFEST), renderManifest(manifest));
    writeFileSync(join(folder, SIGNATURE), signManifest(renderManifest(manifest), keyPairOf(hex).privateKey));
    return manifest;
  }
  const same = (version: number): void => {
    for (const name of [...VERSION_FILES, MANIFEST, SIGNATURE]) {
      const [here, other] = [dir, there].map((at) => readFileSync(join(at, String(version), name)));
      expect(here!.equals(other!), name).to.equal(true);
    }
  };

  it('is there whole, and again does nothing', async () => {
    const manifest = await makeFiles(1);
    await bringVersion(remote, dir, manifest);
    same(1);
    const steps: string[] = [];
    await bringVersion(remote, dir, manifest, (what) => steps.push(what));
    expect(steps).to.deep.equal(['hashing']);
    expect(readdirSync(there)).to.deep.equal(['1']);
  });

  it('that was broken off goes on', async () => {
    const manifest = await makeFiles(2);
    mkdirSync(join(there, '.new-2'));
    copyFileSync(join(dir, '2/root.img'), join(there, '.new-2/root.img'));
    truncateSync(join(there, '.new-2/root.img'), 3 * MIB);
    await bringVersion(remote, dir, manifest);
    same(2);
  });

  it('is none when the server has other bytes', async () => {
    const manifest = await makeFiles(3);
    const lie = { ...manifest, files: { ...manifest.files, vmlinuz: { bytes: 1, sha256: 'c'.repeat(64) } } };
    expect((await rejection(bringVersion(remote, dir, lie))).message).to.equal(
      'version 3 on rhfs01: vmlinuz came with other bytes',
    );
    expect(existsSync(join(there, '3'))).to.equal(false);
    await bringVersion(remote, dir, manifest);
    same(3);
  });

  it('that lost a byte there is found when it is brought again', async () => {
    const manifest = JSON.parse(readFileSync(join(dir, '3', MANIFEST), 'utf8')) as Manifest;
    const image = readFileSync(join(there, '3/root.img'));
    image[5 * MIB]! ^= 1;
    writeFileSync(join(there, '3/root.img'), image);
    expect((await rejection(bringVersion(remote, dir, manifest))).message).to.match(
      /root.img there has other bytes/,
    );
  });

  it('says which server cannot be reached', async () => {
    const gone = { ...remote, at: `${sshd.user}@127.0.1.99` };
    const manifest = JSON.parse(readFileSync(join(dir, '2', MANIFEST), 'utf8')) as Manifest;
    expect((await rejection(bringVersion(gone, dir, manifest))).message).to.match(
      /^server rhfs01: .*refused/s,
    );
  });
});

describe('sums of a server', () => {
  it('must be there for each file', () => {
    const manifest = {
      files: Object.fromEntries(VERSION_FILES.map((name) => [name, { bytes: 1, sha256: 'a'.repeat(64) }])),
    } as Manifest;
    const sums = (...names: string[]): string => names.map((name) => `${'a'.repeat(64)}  ${name}\n`).join('');
    expect(wrongHashes(manifest, sums(...VERSION_FILES))).to.deep.equal([]);
    expect(wrongHashes(manifest, sums('root.img', 'vmlinuz'))).to.deep.equal(['root.verity', 'initrd.img']);
    expect(wrongHashes(manifest, 'sha256sum: root.img: No such file\n')).to.have.length(4);
  });
});
