import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LAB_GATEWAY, labDraft } from '../../src/lib/lab/site.ts';
import { configureRoot } from '../../src/lib/rfs/root/configure.ts';
import { type RfsLab, startRfsLab } from '../../test/support/rfs-lab.ts';
import { atMost, type Bench, median } from '../figure.ts';
import { addTelling, type Booted, treeInitramfs, watchBoot } from '../support/rfs-boot.ts';
import { benchRoot, copyRoot } from '../support/rfs-root.ts';
import { rememberWorkingSet } from '../support/rfs-working-set.ts';

const RUNS = 2;
const BOOT_MS = 400_000;

/** One PC from its power switch to the login prompt, the same root as the image of a version and as a tree over NFS. */
const bench: Bench = async (report, { short }) => {
  const root = await benchRoot(report);
  // What a PC is told must not be the PC itself.
  const draft = { ...labDraft, serviceUrl: `http://${LAB_GATEWAY}:{port}` };
  const lab = await startRfsLab({ draft, pcs: 1 });
  try {
    copyRoot(root, lab.staging);
    await configureRoot(lab.site, lab.staging);
    addTelling(lab.staging);
    await lab.prolo('rfs', 'commit', '-m', 'to boot');
    const [server] = lab.servers;
    const initrd = join(server.folder, '1/initrd.img');
    const image = readFileSync(initrd);
    copyRoot(lab.staging, join(server.folder, 'tree'));
    const tree = treeInitramfs(image);
    const took: Record<'image' | 'tree', Booted[]> = { image: [], tree: [] };
    const runs = short ? 1 : RUNS;
    for (let run = 0; run < runs; run++)
      for (const side of run % 2 ? (['tree', 'image'] as const) : (['image', 'tree'] as const)) {
        writeFileSync(initrd, side === 'tree' ? tree : image);
        const booted = await bootOnce(lab, `${side}${run}`);
        took[side].push(booted);
        const { requests, reads, readBytes } = booted.nfs;
        report(`${side}: ${describe([booted])}`);
        report(
          `${side}: ${requests} NFS requests, ${reads} of them READ of ${(readBytes / reads / 1024).toFixed(0)} KiB`,
        );
      }
    const [version] = [join(server.folder, '1')];
    rememberWorkingSet({
      bootBytes: statSync(join(version, 'vmlinuz')).size + image.length,
      reads: took.image[0]!.nfs.reads,
      readBytes: took.image[0]!.nfs.readBytes,
    });
    const middle = (side: 'image' | 'tree', what: (one: Booted) => number): number =>
      median(took[side].map(what));
    const ratio = (what: (one: Booted) => number): number => middle('image', what) / middle('tree', what);
    const compare = (what: (one: Booted) => number, unit: string, scale = 1): string =>
      `${(middle('image', what) / scale).toFixed(scale === 1 ? 0 : 1)}${unit}; the tree over NFS: ${(middle('tree', what) / scale).toFixed(scale === 1 ? 0 : 1)}${unit}`;
    return [
      atMost(
        'rfs-boot-requests',
        ratio(({ nfs }) => nfs.requests),
        0.1,
        compare(({ nfs }) => nfs.requests, ' NFS requests'),
        runs,
      ),
      atMost(
        'rfs-boot-bytes',
        ratio(({ nfs }) => nfs.bytes),
        0.5,
        compare(({ nfs }) => nfs.bytes, ' MB of NFS', 1e6),
        runs,
      ),
      atMost(
        'rfs-boot-time',
        ratio(({ total }) => total),
        1.25,
        `image: ${describe(took.image)}; tree: ${describe(took.tree)}`,
        runs,
      ),
    ];
  } finally {
    rmSync(join(lab.servers[0].folder, 'tree'), { recursive: true, force: true });
    await lab.stop();
  }
};
export default bench;

async function bootOnce(lab: RfsLab, name: string): Promise<Booted> {
  const pc = await lab.boot(1, { name, limitSeconds: BOOT_MS / 1000 });
  try {
    return await watchBoot(pc, BOOT_MS);
  } finally {
    await pc.stop();
  }
}

/** Every second explained. */
function describe(boots: readonly Booted[]): string {
  const parts = Object.keys(boots[0]!.parts).map(
    (name) => `${median(boots.map(({ parts }) => parts[name]!)).toFixed(1)} ${name}`,
  );
  return `${median(boots.map(({ total }) => total)).toFixed(1)} s (${parts.join(', ')})`;
}
