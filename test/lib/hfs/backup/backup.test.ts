import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Stored } from '../../../../src/lib/hfs/backup/backup-home.ts';
import type { Snapshot } from '../../../../src/lib/hfs/backup/restic.ts';
import { createRpcClient, type RpcClient } from '../../../../src/lib/rpc/client.ts';
import { hfsUrl } from '../../../../src/lib/site/site.ts';
import { BLOCK, missingCounters } from '../../../support/counter-block.ts';
import { type Counters, startCounters } from '../../../support/counter-clients.ts';
import { type HomesSite, homesPackages, makeHomesSite } from '../../../support/homes.ts';
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
    const counter = counters.start(address, REGION);
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
    execFileSync('/sbin/e2fsck', ['-fp', image]);
    execFileSync('/sbin/e2fsck', ['-fn', image]);
    const bytes = readFileSync(image);
    const read = (offset: number, length: number): Buffer => bytes.subarray(offset, offset + length);
    expect(await missingCounters(read, REGION, [0, flushed])).to.deep.equal([]);
    expect(mounts()).to.deep.equal([]);
    expect(readdirSync(join(homes.test.dir, homes.site.config.state, 'hfs/0')).sort()).to.deep.equal([
      'u001.1.img',
    ]);
  });
});
