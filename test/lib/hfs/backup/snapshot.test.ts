import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
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
    paths = { image: join(dir, 'a.img'), scratch: join(dir, 'scratch'), mount: join(dir, 'shown/alice') };
    await makeSparse(paths.image, at(16));
    storage = await startStorage('test', run);
    await addImage(storage.qmp, paths.image);
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
    await beginSnapshot(storage.qmp, paths);
    await client.write(at(3), Buffer.alloc(2 * MIB, 99));
    await client.trim(at(8), MIB);
    await client.flush();
    const shown = readFileSync(paths.mount);
    for (let mib = 0; mib < 16; mib++)
      expect(shown.subarray(at(mib), at(mib + 1)).equals(Buffer.alloc(MIB, mib + 1))).to.equal(true);
    expect((await client.read(at(4), 1))[0]).to.equal(99);
    await endSnapshot(storage.qmp, paths.mount);
    await endSnapshot(storage.qmp, paths.mount); // again does no harm
    expect(await nodes()).to.deep.equal(plain);
    expect(readdirSync(dir).sort()).to.deep.equal(['a.img', 'alice', 'shown']);
    expect(readdirSync(join(dir, 'shown'))).to.deep.equal([]);
    expect((await client.read(at(4), 1))[0]).to.equal(99);
    expect((await client.read(at(8), 1))[0]).to.equal(0);
    await client.trim(at(9), MIB);
    expect((await client.read(at(9), 1))[0]).to.equal(0);
  });

  it('a second one takes the place of one that was left', async () => {
    await beginSnapshot(storage.qmp, paths);
    await client.write(at(3), Buffer.alloc(MIB, 99));
    await beginSnapshot(storage.qmp, paths);
    await client.write(at(3), Buffer.alloc(MIB, 98));
    expect(readFileSync(paths.mount)[at(3)]).to.equal(99);
    await endSnapshot(storage.qmp, paths.mount);
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
      await beginSnapshot(storage.qmp, { ...paths, scratch: join(small, 'scratch') });
      for (let mib = 0; mib < 16; mib++) await client.write(at(mib), Buffer.alloc(MIB, 100 + mib));
      await client.flush();
      expect(() => readFileSync(paths.mount)).to.throw(/EACCES|EIO/);
      await endSnapshot(storage.qmp, paths.mount);
      for (let mib = 0; mib < 16; mib++) expect((await client.read(at(mib), 1))[0]).to.equal(100 + mib);
    } finally {
      execFileSync('umount', ['-l', small]);
    }
  });

  it('one that cannot be shown leaves nothing', async () => {
    const plain = await nodes();
    mkdirSync(paths.mount, { recursive: true });
    const failed = await beginSnapshot(storage.qmp, paths).then(
      () => false,
      () => true,
    );
    expect(failed).to.equal(true);
    expect(await nodes()).to.deep.equal(plain);
    expect(readdirSync(dir)).not.to.include('scratch');
    await client.write(0, Buffer.alloc(4096, 5));
  });
});
