import { execFileSync } from 'node:child_process';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect } from 'chai';
import { tarOf } from '../../../../src/lib/hfs/backup/extents.ts';
import { beginSnapshot, endSnapshot, type SnapshotPaths } from '../../../../src/lib/hfs/backup/snapshot.ts';
import { makeSparse } from '../../../../src/lib/hfs/image.ts';
import { runDirOf } from '../../../../src/lib/hfs/record.ts';
import { addImage, serveHome, startStorage, type Storage } from '../../../../src/lib/hfs/storage.ts';
import { homesPackages } from '../../../support/homes.ts';
import { connectNbd, type NbdClient } from '../../../support/nbd-client.ts';
import { needs } from '../../../support/needs.ts';

const MIB = 1024 * 1024;

describe('A snapshot of a home in use', () => {
  let dir: string;
  let storage: Storage;
  let client: NbdClient;
  let image: string;
  let paths: SnapshotPaths;
  const at = (mib: number): number => mib * MIB;
  const nodes = async (): Promise<string[]> =>
    (await storage.qmp.execute<{ 'node-name': string }[]>('query-named-block-nodes'))
      .map((node) => node['node-name'])
      .sort();

  before(function () {
    needs(this, homesPackages);
    if (!existsSync('/dev/fuse')) this.skip();
  });
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'prolo-snap-'));
    const run = runDirOf(dir, 'alice');
    image = join(dir, 'a.img');
    paths = { scratch: join(dir, 'scratch'), mount: join(dir, 'shown/alice') };
    await makeSparse(image, at(16));
    storage = await startStorage('test', run);
    await addImage(storage.qmp, image);
    await serveHome(storage.qmp, 'image', 'home', run.nbd);
    client = await connectNbd({ path: run.nbd, export: 'home' });
    for (let mib = 0; mib < 16; mib++) await client.write(at(mib), Buffer.alloc(MIB, mib + 1));
  });
  afterEach(async () => {
    client?.destroy();
    await storage?.qmp.execute('quit').catch(() => undefined);
    await storage?.qmp.closed;
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  it('shows what was there, while other things are written; its end leaves nothing', async () => {
    const plain = await nodes();
    await beginSnapshot(storage.qmp, image, paths);
    await client.write(at(3), Buffer.alloc(2 * MIB, 99));
    await client.trim(at(8), MIB);
    await client.flush();
    const shown = readFileSync(paths.mount);
    for (let mib = 0; mib < 16; mib++)
      expect(shown.subarray(at(mib), at(mib + 1)).equals(Buffer.alloc(MIB, mib + 1))).to.equal(true);
    expect((await client.read(at(4), 1))[0]).to.equal(99);
    await endSnapshot(storage.qmp, paths);
    await endSnapshot(storage.qmp, paths); // again does no harm
    expect(await nodes()).to.deep.equal(plain);
    expect(readdirSync(dir).sort()).to.deep.equal(['a.img', 'alice', 'shown']);
    expect(readdirSync(join(dir, 'shown'))).to.deep.equal([]);
    expect((await client.read(at(4), 1))[0]).to.equal(99);
    expect((await client.read(at(8), 1))[0]).to.equal(0);
    await client.trim(at(9), MIB);
    expect((await client.read(at(9), 1))[0]).to.equal(0);
  });

  it('is stored as it was, also where single blocks were overwritten or trimmed since (QEMU before 8.0)', async () => {
    await beginSnapshot(storage.qmp, image, paths);
    const [block, blocks] = [64 * 1024, 256];
    for (let i = 0; i < blocks; i += 3) await client.write(i * block, Buffer.alloc(4096, 99));
    for (let i = 1; i < blocks; i += 7) await client.trim(i * block, block);
    await client.trim(at(9), 2 * MIB);
    await client.flush();
    const source = { file: paths.mount, isSnapshot: true, mapped: [image, paths.scratch] };
    const tar = await tarOf(source, 'home.img', 0);
    await pipeline(tar.bytes, createWriteStream(join(dir, 'tar')));
    execFileSync('tar', ['-xSf', join(dir, 'tar'), '-C', dir]);
    await endSnapshot(storage.qmp, paths);
    const stored = readFileSync(join(dir, 'home.img'));
    const wrong = Array.from({ length: blocks }, (_, i) => i).filter(
      (i) =>
        !stored
          .subarray(i * block, (i + 1) * block)
          .equals(Buffer.alloc(block, Math.floor((i * block) / MIB) + 1)),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('a second one takes the place of one that was left', async () => {
    await beginSnapshot(storage.qmp, image, paths);
    await client.write(at(3), Buffer.alloc(MIB, 99));
    await beginSnapshot(storage.qmp, image, paths);
    await client.write(at(3), Buffer.alloc(MIB, 98));
    expect(readFileSync(paths.mount)[at(3)]).to.equal(99);
    await endSnapshot(storage.qmp, paths);
  });

  it('a full disk breaks the snapshot, and no write of the client', async function () {
    const small = join(dir, 'small');
    mkdirSync(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small], { stdio: 'pipe' });
    } catch {
      this.skip();
    }
    try {
      await beginSnapshot(storage.qmp, image, { ...paths, scratch: join(small, 'scratch') });
      for (let mib = 0; mib < 16; mib++) await client.write(at(mib), Buffer.alloc(MIB, 100 + mib));
      await client.flush();
      expect(() => readFileSync(paths.mount)).to.throw(/EACCES|EIO/);
      await endSnapshot(storage.qmp, { ...paths, scratch: join(small, 'scratch') });
      for (let mib = 0; mib < 16; mib++) expect((await client.read(at(mib), 1))[0]).to.equal(100 + mib);
    } finally {
      execFileSync('umount', ['-l', small]);
    }
  });

  it('one that cannot be shown leaves nothing', async () => {
    const plain = await nodes();
    mkdirSync(paths.mount, { recursive: true });
    const failed = await beginSnapshot(storage.qmp, image, paths).then(
      () => false,
      () => true,
    );
    expect(failed).to.equal(true);
    expect(await nodes()).to.deep.equal(plain);
    expect(readdirSync(dir)).not.to.include('scratch');
    await client.write(0, Buffer.alloc(4096, 5));
  });
});
