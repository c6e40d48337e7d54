import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { atMost, type Bench, type Figure, median } from '../figure.ts';
import { trafficOf } from '../support/rfs-net.ts';
import { makeRig, type Rig, settle } from '../support/rfs-rig.ts';

const SERVERS = 4;
const FILES = 65_000;
const RUNS = 3;
const UNCHANGED_RUNS = 9;

/** A commit to four root file servers, against copying the tree to each; and one where there is nothing to do. */
const bench: Bench = async (report, { short }) => {
  const rig = await makeRig(SERVERS, short ? 20_000 : FILES, report);
  try {
    await rig.prolo('rfs', 'commit', '-m', 'the first');
    await copyTree(rig);
    return [
      await measureChanged(rig, short ? 1 : RUNS, report),
      await measureUnchanged(rig, short ? 3 : UNCHANGED_RUNS, report),
    ];
  } finally {
    await rig.close();
  }
};
export default bench;

/** What a tree is brought to servers with, one after the other. */
async function copyTree({ run, ssh, staging, peer, star }: Rig): Promise<void> {
  for (const { ip } of star.servers)
    await run('rsync', '-aHAX', '--checksum', '-e', ssh.join(' '), `${staging}/`, `root@${ip}:${peer}/`);
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return (performance.now() - before) / 1000;
}

/** What a commit cannot do without: the newest image written, hashed and on the disk, on the gateway and each server, all at once. */
async function makeImages(rig: Rig): Promise<void> {
  const folders = [join(rig.dir, 'versions'), ...rig.star.servers.map((_, i) => rig.versions(i + 1))];
  const newest = Math.max(...readdirSync(folders[0]!).map(Number).filter(Number.isInteger));
  const script =
    'dd "if=$1" "of=$2" bs=1M status=none; sync "$2" & openssl dgst -sha256 "$2" >/dev/null; wait $!; rm "$2"';
  await Promise.all(
    folders.map((dir) =>
      rig.run('sh', '-ec', script, 'sh', join(dir, `${newest}/root.img`), join(dir, '.image')),
    ),
  );
}

async function measureChanged(rig: Rig, runs: number, report: (text: string) => void): Promise<Figure> {
  const sides = {
    commit: () => rig.prolo('rfs', 'commit', '-m', 'one in a hundred'),
    rsync: () => copyTree(rig),
    floor: () => makeImages(rig),
  };
  const took: Record<keyof typeof sides, { s: number[]; mb: number[] }> = {
    commit: { s: [], mb: [] },
    rsync: { s: [], mb: [] },
    floor: { s: [], mb: [] },
  };
  const sent = (): number => trafficOf(rig.star.gateway, 'rfs1').sent / 1e6;
  for (let round = 0; round < runs; round++) {
    rig.grown.changePercent();
    for (const side of round % 2
      ? (['commit', 'rsync', 'floor'] as const)
      : (['floor', 'rsync', 'commit'] as const)) {
      settle();
      const before = sent();
      took[side].s.push(await seconds(sides[side]));
      took[side].mb.push(sent() - before);
      report(
        `${side}: ${took[side].s.at(-1)!.toFixed(1)} s, ${took[side].mb.at(-1)!.toFixed(0)} MB to a server`,
      );
    }
    await rig.prolo('rfs', 'prune', '--yes').catch(() => undefined); // the disk need not hold them all
  }
  const [ours, theirs] = [median(took.commit.s), median(took.rsync.s)];
  const against = `${ours.toFixed(1)} s and ${median(took.commit.mb).toFixed(0)} MB to each of ${SERVERS}; rsync -aHAX --checksum of ${rig.grown.files} files, ${(rig.grown.bytes / 1e6).toFixed(0)} MB, one server after another: ${theirs.toFixed(1)} s and ${median(took.rsync.mb).toFixed(0)} MB each; ${SERVERS + 1} images written, hashed and synced, and nothing else: ${median(took.floor.s).toFixed(1)} s`;
  return atMost('rfs-commit-4-servers', ours / theirs, 0.5, against, runs);
}

async function measureUnchanged(rig: Rig, runs: number, report: (text: string) => void): Promise<Figure> {
  const [ours, theirs]: [number[], number[]] = [[], []];
  const commit = async (): Promise<void> => {
    const ms = 1000 * (await seconds(() => rig.prolo('rfs', 'commit', '-m', 'nothing')));
    ours.push(ms);
  };
  const find = async (): Promise<void> => {
    theirs.push(1000 * (await seconds(() => rig.run('find', rig.staging, '-fls', '/dev/null'))));
  };
  settle();
  for (let round = 0; round < runs; round++)
    for (const side of round % 2 ? [commit, find] : [find, commit]) await side();
  const against = `${median(ours).toFixed(0)} ms; find -ls of ${rig.grown.files} files: ${median(theirs).toFixed(0)} ms`;
  report(`nothing changed: ${against}`);
  return atMost('rfs-commit-unchanged', median(ours) / median(theirs), 2, against, runs);
}
