import { closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProloError } from '../../errors.ts';
import { run } from '../../exec.ts';
import { makeSparse } from '../image.ts';
import type { Qmp } from '../qmp.ts';

/**
 * One moment of a home that is in use, as a file that can be read while writes go on: QEMU copies what is about to be
 * overwritten into a scratch file first, and shows the old whole through FUSE. The client's data is written where it always
 * is; when anything of this fails, the snapshot breaks and no write does.
 */
export interface SnapshotPaths {
  /** A file beside the image, which has data wherever what was overwritten had. A start of hfs takes away what a death left. */
  scratch: string;
  /** Where the snapshot is shown. */
  mount: string;
}

/** A write that waits longer for the scratch file goes on without it. */
const WAIT_SECONDS = 2;
const NODES = { disk: 'disk', scratch: 'scratch', copier: 'copier', old: 'old', export: 'backup' };

/** @throws ProloError; nothing is left over then */
export async function beginSnapshot(qmp: Qmp, image: string, paths: SnapshotPaths): Promise<void> {
  const { scratch, mount } = paths;
  await endSnapshot(qmp, paths);
  try {
    await makeSparse(scratch, (await stat(image)).size);
    await qmp.execute('blockdev-add', { driver: 'file', 'node-name': NODES.scratch, filename: scratch });
    await qmp.execute('blockdev-add', {
      driver: 'copy-before-write',
      'node-name': NODES.copier,
      file: NODES.disk,
      target: NODES.scratch,
      discard: 'unmap', // else what a client trims meanwhile stays on the disk
      'on-cbw-error': 'break-snapshot',
      'cbw-timeout': WAIT_SECONDS,
    });
    await putBelowImage(qmp, NODES.copier);
    await qmp.execute('blockdev-add', {
      driver: 'snapshot-access',
      'node-name': NODES.old,
      file: NODES.copier,
    });
    mkdirSync(dirname(mount), { recursive: true, mode: 0o700 });
    closeSync(openSync(mount, 'a', 0o600));
    await qmp.execute('block-export-add', {
      type: 'fuse',
      id: NODES.export,
      'node-name': NODES.old,
      mountpoint: mount,
      'allow-other': 'off',
    });
  } catch (error) {
    await endSnapshot(qmp, paths).catch(() => clearSnapshot(paths));
    throw error;
  }
}

/** Ends a snapshot, whatever there is of one; also of one that another process of this server began. */
export async function endSnapshot(qmp: Qmp, paths: SnapshotPaths): Promise<void> {
  await endExport(qmp);
  const nodes = new Set(
    (await qmp.execute<{ 'node-name': string }[]>('query-named-block-nodes', { flat: true })).map(
      (node) => node['node-name'],
    ),
  );
  const remove = async (node: string): Promise<void> => {
    if (nodes.has(node)) await qmp.execute('blockdev-del', { 'node-name': node });
  };
  await remove(NODES.old);
  if (nodes.has(NODES.copier)) await putBelowImage(qmp, NODES.disk);
  await remove(NODES.copier);
  await remove(NODES.scratch);
  await clearSnapshot(paths);
}

/** Takes away the files of a snapshot that ended, and a mount whose process died. */
export async function clearSnapshot({ scratch, mount }: SnapshotPaths): Promise<void> {
  await rm(scratch, { force: true });
  if (isDead(mount)) await run(['umount', '-l', mount]);
  rmSync(mount, { force: true });
}

/** `image` is what clients have; it is the node below it that is changed, in one step between two writes. */
async function putBelowImage(qmp: Qmp, file: string): Promise<void> {
  const options = [{ driver: 'raw', 'node-name': 'image', discard: 'unmap', file }];
  await qmp.execute('blockdev-reopen', { options });
}

async function endExport(qmp: Qmp): Promise<void> {
  const there = async (): Promise<boolean> =>
    (await qmp.execute<{ id: string }[]>('query-block-exports')).some(({ id }) => id === NODES.export);
  if (!(await there())) return;
  await qmp.execute('block-export-del', { id: NODES.export, mode: 'hard' });
  for (let tries = 0; await there(); tries++) {
    if (tries === 1_000) throw new ProloError('unavailable', 'snapshot: its export does not end');
    await sleep(2);
  }
}

function isDead(mount: string): boolean {
  try {
    statSync(mount);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTCONN';
  }
}
