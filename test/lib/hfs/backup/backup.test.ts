import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Stored } from '../../../../src/lib/hfs/backup/backup-home.ts';
import type { Snapshot } from '../../../../src/lib/hfs/backup/restic.ts';
import { createRpcClient, type RpcClient } from '../../../../src/lib/rpc/client.ts';
import { hfsUrl } from '../../../../src/lib/site/site.ts';
import { BLOCK, missingCounters, readCounter, type Region } from '../../../support/counter-block.ts';
import { type Counter, type Counters, startCounters } from '../../../support/counter-clients.ts';
import { type HomesSite, homesPackages, killIfThere, makeHomesSite } from '../../../support/homes.ts';
import { connectNbd } from '../../../support/nbd-client.ts';
import { needs } from '../../../support/needs.ts';
import { rejection } from '../../../support/rejection.ts';

const SIZE = 256 * 1024 * 1024;
/** Where nothing of the file system of an empty home is. */
const REGION = { offset: 160 * 1024 * 1024, blocks: 400 };

describe('A backup of a home', function () {
  this.timeout(120_000);
  let homes: HomesSite;
  let counters: Counters;
  let counter: Counter | undefined;
  const server = (n: number): RpcClient =>
    createRpcClient(hfsUrl(homes.site.config, n), homes.site.secret('hfs.control'), 60_000);
  const backup = (login: string): Promise<Stored> => server(0).call('backup', { login }) as Promise<Stored>;
  const snapshots = (login: string): Promise<Snapshot[]> =>
    server(0).call('snapshots', { login }) as Promise<Snapshot[]>;
  const mounts = (): string[] =>
    readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(homes.test.dir));

  before(async function () {
    needs(this, { ...homesPackages, restic: 'restic', 'qemu-img': 'qemu-utils', setpriv: 'util-linux' });
    if (!existsSync('/dev/fuse')) this.skip();
    counters = await startCounters();
    homes = await makeHomesSite({
      users: 4,
      seats: 4,
      sizeBytes: SIZE,
      hfs: { backup: { repository: 'backups', bytesPerSecond: 0 } },
    });
  });
  after(async () => {
    await counters?.close();
    await homes?.close();
  });

  afterEach(() => counter?.stop());

  /** The image of a snapshot, made by restic and tar alone, as by a person without prolo. */
  function restoreByHand({ id, login }: Snapshot): string {
    const dir = join(homes.test.dir, `by-hand-${id}`);
    mkdirSync(dir);
    execFileSync('sh', ['-c', `restic dump ${id} /${login}.tar | tar -xS -C ${dir}`], {
      env: {
        ...process.env,
        RESTIC_REPOSITORY: join(homes.test.dir, 'backups'),
        RESTIC_PASSWORD: homes.site.secret('hfs.backup'),
        RESTIC_CACHE_DIR: join(homes.test.dir, 'cache'),
      },
    });
    return join(dir, 'home.img');
  }

  it('while somebody writes: what was flushed before it is in it, nothing stalls, and it passes e2fsck', async () => {
    const address = await homes.enter('u001', 0, 1);
    counter = counters.start(address, REGION);
    await counter.until(300);
    const flushed = counter.last;
    counter.forgetGaps();
    const stored = await backup('u001');
    const gap = counter.largestGapMs();
    await counter.until(counter.last + 200);
    await counter.stop();
    expect(counter.error).to.equal(undefined);
    expect(gap).to.be.below(1_000);
    const [snapshot] = await snapshots('u001');
    expect(snapshot).to.include({ id: stored.snapshot, hfs: 0, epoch: 1, bytes: stored.bytes });
    const image = restoreByHand(snapshot!);
    expect(statSync(image).size).to.equal(SIZE);
    expect(statSync(image).blocks * 512).to.be.below(SIZE / 4);
    execFileSync('/sbin/e2fsck', ['-fp', image], { stdio: 'pipe' });
    execFileSync('/sbin/e2fsck', ['-fn', image], { stdio: 'pipe' });
    const bytes = readFileSync(image);
    const read = (offset: number, length: number): Buffer => bytes.subarray(offset, offset + length);
    expect(await missingCounters(read, REGION, [0, flushed])).to.deep.equal([]);
    expect(mounts()).to.deep.equal([]);
    expect(readdirSync(join(homes.test.dir, homes.site.config.state, 'hfs/0')).sort()).to.deep.equal([
      'u001.1.img',
    ]);
  });

  /** The newest counter in an image, when each before it that the region still holds is there too. */
  async function wholeUpTo(image: string, region: Region): Promise<number> {
    const bytes = readFileSync(image);
    const read = (offset: number, length: number): Buffer => bytes.subarray(offset, offset + length);
    const counters = Array.from({ length: region.blocks }, (_, i) =>
      readCounter(read(region.offset + i * BLOCK, BLOCK)),
    );
    const newest = Math.max(...counters.map((counter) => counter ?? -1));
    expect(await missingCounters(read, region, [0, newest])).to.deep.equal([]);
    return newest;
  }

  it('is of one moment: no write is in it that came after one that is not', async () => {
    const region = { offset: REGION.offset, blocks: 1_000 };
    const address = await homes.enter('u002', 0, 2);
    counter = counters.start(address, region);
    await counter.until(1_500); // each write from now on takes the place of another
    for (let round = 0; round < 6; round++) {
      const before = counter.last;
      const { snapshot } = await backup('u002');
      const after = counter.last;
      const found = (await snapshots('u002')).find(({ id }) => id === snapshot)!;
      const newest = await wholeUpTo(restoreByHand(found), region);
      expect(newest).to.be.within(before, after);
      expect(after).to.be.above(before);
    }
    await counter.stop();
    expect(counter.error).to.equal(undefined);
  });

  it('stores only homes that have changed', async () => {
    const changed = (): Promise<string[]> => server(0).call('backup_changed') as Promise<string[]>;
    for (const login of await changed()) await backup(login);
    expect(await changed()).to.deep.equal([]);
    const address = await homes.getHfs(0, 'u001');
    const client = await connectNbd(address);
    await client.write(REGION.offset, Buffer.alloc(BLOCK, 9), { fua: true });
    await client.close();
    expect(await changed()).to.deep.equal(['u001']);
    await backup('u001');
    expect(await changed()).to.deep.equal([]);
  });

  it('of a home that is not in use is its image', async () => {
    const address = await homes.enter('u003', 0, 3);
    const client = await connectNbd(address);
    await client.write(REGION.offset, Buffer.alloc(BLOCK, 3), { fua: true });
    await client.close();
    await homes.logout('u003', homes.seat(0, 3));
    await server(0).call('stop', { login: 'u003' });
    const stored = await backup('u003');
    const found = (await snapshots('u003')).find(({ id }) => id === stored.snapshot)!;
    const restored = readFileSync(restoreByHand(found));
    expect(restored.equals(readFileSync(homes.image(0, 'u003', 1)))).to.equal(true);
  });

  it('says what is missing, and of whom', async () => {
    expect((await rejection(backup('u004'))).message).to.match(/home u004: not on hfs 0/);
    expect((await rejection(backup('../x'))).message).to.match(/login/);
  });
});

describe('A backup of a home that is broken off', function () {
  this.timeout(120_000);
  let homes: HomesSite;
  let counters: Counters;
  const region = { offset: REGION.offset, blocks: 2_000 };
  const server = (): RpcClient =>
    createRpcClient(hfsUrl(homes.site.config, 0), homes.site.secret('hfs.control'), 60_000);
  const snapshots = (): Promise<Snapshot[]> =>
    server().call('snapshots', { login: 'u001' }) as Promise<Snapshot[]>;
  /** The processes whose command line or environment names this site's repository. */
  const resticPids = (): number[] =>
    readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number)
      .filter((pid) => {
        const [argv, environ] = [readProc(pid, 'cmdline'), readProc(pid, 'environ')];
        return argv.startsWith('restic\0backup') && environ.includes(homes.test.dir);
      });
  const left = (): string[] => [
    ...readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(homes.test.dir)),
    ...readdirSync(homes.site.statePath('hfs/0')).filter((name) => name !== 'u001.1.img'),
  ];
  let counter: Counter;

  before(async function () {
    needs(this, { ...homesPackages, restic: 'restic', 'qemu-img': 'qemu-utils', setpriv: 'util-linux' });
    if (!existsSync('/dev/fuse')) this.skip();
    counters = await startCounters();
    homes = await makeHomesSite({
      users: 1,
      seats: 1,
      sizeBytes: SIZE,
      hfs: { backup: { repository: 'backups', bytesPerSecond: 1_000_000 } },
    });
    counter = counters.start(await homes.enter('u001', 0, 1), region);
    await counter.until(2_100);
  });
  after(async () => {
    await counters?.close();
    await homes?.close();
  });

  /** Begins one, and resolves once restic reads. */
  async function begin(): Promise<{ pid: number; outcome: Promise<Error | undefined> }> {
    const outcome = server()
      .call('backup', { login: 'u001' })
      .then(
        () => undefined,
        (error: Error) => error,
      );
    const pid = await eventually(() => resticPids()[0]);
    return { pid, outcome };
  }

  it('the password is in no command line', async () => {
    const { outcome } = await begin();
    const password = homes.site.secret('hfs.backup');
    const shown = readdirSync('/proc').filter(
      (entry) => /^\d+$/.test(entry) && readProc(Number(entry), 'cmdline').includes(password),
    );
    expect(shown).to.deep.equal([]);
    expect(await outcome).to.equal(undefined);
    expect(left()).to.deep.equal([]);
  });

  it('restic is killed: the home is served on, nothing is left, the next one works', async () => {
    const count = (await snapshots()).length;
    const { pid, outcome } = await begin();
    killIfThere(pid);
    expect((await outcome)?.message).to.match(/restic|killed/);
    expect(left()).to.deep.equal([]);
    await counter.until(counter.last + 50);
    expect(await snapshots()).to.have.length(count);
    expect(await (await begin()).outcome).to.equal(undefined);
    expect(await snapshots()).to.have.length(count + 1);
  });

  it('hfs is killed: so is restic, the home is served on, nothing is left once hfs is back, the next one works', async () => {
    const count = (await snapshots()).length;
    const { pid, outcome } = await begin();
    await homes.kill('hfs@0');
    expect(await outcome).to.be.instanceOf(Error);
    await eventually(() => !resticPids().includes(pid) || undefined);
    await counter.until(counter.last + 50);
    await homes.start('hfs@0');
    expect(left()).to.deep.equal([]);
    expect(await snapshots()).to.have.length(count);
    await counter.until(counter.last + 50);
    expect(await (await begin()).outcome).to.equal(undefined);
    expect(await snapshots()).to.have.length(count + 1);
    expect(counter.error).to.equal(undefined);
  });

  it('the storage is killed: nothing that was flushed is lost, the next one works', async () => {
    const { outcome } = await begin();
    const [storage] = homes.processes(0, 'u001');
    killIfThere(storage!.pid);
    await counter.ended;
    const acknowledged = counter.last;
    expect(await outcome).to.be.instanceOf(Error);
    const again = await homes.getHfs(0, 'u001');
    const client = await connectNbd(again);
    const missing = await missingCounters((at, length) => client.read(at, length), region, [0, acknowledged]);
    expect(missing).to.deep.equal([]);
    await client.close();
    expect(left()).to.deep.equal([]);
    expect(await (await begin()).outcome).to.equal(undefined);
    expect(left()).to.deep.equal([]);
  });

  it('the home moves to another server meanwhile: nothing is lost, nothing is left here', async () => {
    const { outcome } = await begin();
    await homes.logout('u001', homes.seat(0, 1));
    const address = await homes.enter('u001', 1, 1);
    const writer = counters.start(address, { offset: region.offset - 4_000 * BLOCK, blocks: 1_000 });
    await eventually(() => writer.last > 100 || undefined);
    for (let i = 0; i < 500 && (await homes.row('u001'))!.hfs !== 1; i++) await sleep(20);
    expect(await homes.row('u001')).to.include({ hfs: 1, state: 'here' });
    await writer.until(writer.last + 100);
    await writer.stop();
    expect(writer.error).to.equal(undefined);
    const error = await outcome;
    if (error) expect(error.message).to.match(/has ended meanwhile|on its way elsewhere/);
    expect(left().filter((name) => !name.endsWith('.ended'))).to.deep.equal([]);
    expect((await rejection(server().call('backup', { login: 'u001' }))).message).to.match(/not on hfs 0/);
  });
});

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** Asks until there is an answer, for ten seconds. */
async function eventually<T>(ask: () => T | undefined): Promise<T> {
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; await sleep(5)) {
    const answer = ask();
    if (answer !== undefined) return answer;
  }
  throw new Error('it did not come');
}
