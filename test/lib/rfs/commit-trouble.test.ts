import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ProloError } from '../../../src/lib/errors.ts';
import { keyPairOf } from '../../../src/lib/ed25519.ts';
import { commit, type CommitOptions } from '../../../src/lib/rfs/commit.ts';
import { MANIFEST, renderManifest, SIGNATURE, signManifest } from '../../../src/lib/rfs/manifest.ts';
import { prune } from '../../../src/lib/rfs/prune.ts';
import { promote } from '../../../src/lib/rfs/promote.ts';
import { listBoots, listVersionRows } from '../../../src/lib/rfs/table.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';
import { makeRfsSite, type RfsSite } from '../../support/rfs-commit-site.ts';
import { kernelTreeOfLab, makeStaging, needsKernel } from '../../support/rfs.ts';
import { sshPackages } from '../../support/ssh-site.ts';

/** Of the second server's disk. */
const DISK = '500M';

describe('a commit where something is wrong', function () {
  this.timeout(180_000);
  let rfs: RfsSite;
  let disk: string;
  let mounted = false;
  const options: CommitOptions = { message: 'tried', actor: 'root@gw', at: new Date(0), partial: false };
  const change = (text: string): void => writeFileSync(join(rfs.staging, 'etc/motd'), `${text}\n`);
  const run = async (more: Partial<CommitOptions> = {}) =>
    commit(rfs.test.site, await rfs.test.store(), { ...options, ...more });
  const boots = async () => (await listBoots((await rfs.test.store()).knex)).map(({ version }) => version);

  before(async function () {
    needs(this, {
      ...sshPackages,
      rsync: 'rsync',
      mksquashfs: 'squashfs-tools',
      veritysetup: 'cryptsetup-bin',
    });
    needsKernel(this);
    if (process.getuid?.() !== 0) this.skip();
    disk = mkdtempSync(join(tmpdir(), 'prolo-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'disk', disk]);
    mounted = true;
    rfs = await makeRfsSite(2, (n) => (n === 2 ? join(disk, 'versions') : undefined));
    await makeStaging(rfs.staging, kernelTreeOfLab());
  });
  after(async () => {
    await rfs?.close();
    if (mounted) execFileSync('umount', ['-l', disk]);
    if (disk) rmSync(disk, { recursive: true, force: true });
  });

  it('a server without room says so before anything is copied, and nobody is switched', async () => {
    await run();
    const { bavail, bsize } = statfsSync(disk);
    const filler = join(disk, 'filler');
    writeFileSync(filler, Buffer.alloc(bavail * bsize - 20 * 1024 ** 2));
    change('two');
    const steps: string[] = [];
    const error = await rejection(run({ onStep: (where, what) => steps.push(`${where}: ${what}`) }));
    expect(error).to.be.instanceOf(ProloError);
    expect((error as ProloError).kind).to.equal('full');
    expect(error.message).to.match(/rhfs1: .*: a version needs \d+ MB, \d+ MB are free/);
    expect(steps).to.include('rhfs0: has it').and.not.include('rhfs1: copying');
    expect(await boots()).to.deep.equal([1, 1]);
    expect(readdirSync(rfs.server(2))).to.deep.equal(['1']);
    rmSync(filler);
  });

  it('what was made and not brought out is brought out by the next one, though nothing has changed', async () => {
    expect(await run()).to.deep.include({ version: 2, madeBefore: true, switched: [0, 1] });
    expect(await boots()).to.deep.equal([2, 2]);
    expect(await run()).to.deep.include({ version: undefined, behind: { newest: 2, rfs: [] } });
  });

  it('a folder whose run was killed before its row gets the row; a number that is taken is not given', async () => {
    const store = await rfs.test.store();
    await store.knex('rfs_copies').where({ version: 2 }).delete();
    await store.knex('rfs_boots').update({ version: 1 });
    await store.knex('rfs_versions').where({ version: 2 }).delete();
    mkdirSync(join(rfs.versions, '7'));
    expect(await run()).to.deep.include({ version: 2, madeBefore: true });
    change('eight');
    rmSync(join(rfs.server(2), '1'), { recursive: true });
    expect(await run()).to.deep.include({ version: 8 });
    expect((await listVersionRows(store.knex)).map(({ manifest }) => manifest.version)).to.deep.equal([
      8, 2, 1,
    ]);
    rmSync(join(rfs.versions, '7'), { recursive: true });
  });

  it('a damaged image to start from ends in the right bytes', async () => {
    const base = join(rfs.server(1), '8/root.img');
    const bytes = readFileSync(base);
    for (let at = 1000; at < bytes.length; at += 1_000_000) bytes[at]! ^= 1;
    writeFileSync(base, bytes);
    change('nine');
    rmSync(join(rfs.server(2), '2'), { recursive: true });
    expect(await run()).to.deep.include({ version: 9, switched: [0, 1] });
    for (const n of [1, 2])
      expect(
        readFileSync(join(rfs.server(n), '9/root.img')).equals(
          readFileSync(join(rfs.versions, '9/root.img')),
        ),
      ).to.equal(true);
    const error = await rejection(promote(rfs.test.site, await rfs.test.store(), 8, options));
    expect(error.message).to.match(/version 8 on rhfs0: root.img there has other bytes/);
    expect((error as ProloError).hint).to.contain('rfs verify 8 --repair');
    expect(await boots()).to.deep.equal([9, 9]);
  });

  it('a version that another key signed is refused before a server is asked', async () => {
    const [row] = await listVersionRows((await rfs.test.store()).knex);
    const text = renderManifest(row!.manifest);
    const folder = join(rfs.versions, '9');
    cpSync(folder, join(rfs.root, 'kept'), { recursive: true });
    writeFileSync(join(folder, SIGNATURE), signManifest(text, keyPairOf('22'.repeat(32)).privateKey));
    const steps: string[] = [];
    const onStep = (where: string): unknown => steps.push(where);
    const again = async () => promote(rfs.test.site, await rfs.test.store(), 9, { ...options, onStep });
    expect((await rejection(again())).message).to.equal("version 9: it is not signed by this site's key");
    const other = renderManifest({ ...row!.manifest, message: 'of another commit' });
    writeFileSync(join(folder, MANIFEST), other);
    writeFileSync(
      join(folder, SIGNATURE),
      signManifest(other, keyPairOf(rfs.test.site.secret('rfs.sign')).privateKey),
    );
    expect((await rejection(again())).message).to.match(/^version 9: its files are of another commit/);
    expect(steps).to.deep.equal([]);
  });

  it('two at once: the second is told that staging is in use', async () => {
    change('ten');
    const [first, second] = await Promise.allSettled([run({ partial: true }), run()]);
    const lost = [first, second].find((one) => one.status === 'rejected') as PromiseRejectedResult;
    expect((lost.reason as Error).message).to.match(/staging .*: in use \(/);
  });

  it('a prune meanwhile is refused: what it would take away may be what the next version is made of', async () => {
    const store = await rfs.test.store();
    await run({ partial: true });
    const [newest, before] = (await listVersionRows(store.knex)).map(({ manifest }) => manifest.version);
    await store.knex('rfs_boots').update({ version: before });
    change('eleven');
    const pruned: unknown[] = [];
    const steps: string[] = [];
    const onStep = (_where: string, what: string): void => {
      steps.push(what);
      if (what === 'image' || what === 'hashes')
        pruned.push(prune(rfs.test.site, store, 'root@gw', [newest!]).catch((error: unknown) => error));
    };
    const { version } = await run({ partial: true, onStep });
    expect(steps.join('\n')).to.include(`version ${version}, `).and.include(`made out of version ${newest}`);
    for (const error of await Promise.all(pruned))
      expect(error).to.include({
        kind: 'conflict',
        message: 'servers: another run makes, brings or removes versions just now',
      });
    expect(pruned).to.have.length(2);
    expect(readdirSync(rfs.versions)).to.include.members([String(newest), String(version)]);
    await store.knex('rfs_versions').update({ left_at: null });
    await prune(rfs.test.site, store, 'root@gw', [newest!]);
    expect(readdirSync(rfs.versions)).not.to.include(String(newest));
    expect(await boots()).to.deep.equal([version, version]);
  });

  it('a full folder for temporary files is named, and not that of the versions', async () => {
    const small = join(disk, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=1', 'small', small]);
    const { TMPDIR } = process.env;
    process.env.TMPDIR = small;
    try {
      change('twelve');
      const error = await rejection(run());
      expect(error).to.include({
        kind: 'full',
        message: `folder ${small}: no space left while modules were unpacked`,
      });
      expect((error as ProloError).hint).to.include('TMPDIR=');
    } finally {
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
      execFileSync('umount', ['-l', small]);
    }
    expect(readdirSync(rfs.versions).filter((name) => name.startsWith('.'))).to.deep.equal([]);
  });
});
