import { realpathSync, statSync } from 'node:fs';
import { ProloError } from '../errors.ts';
import { runOk } from '../exec.ts';
import { missingPackages } from '../lab/packages.ts';
import { type BlockDevice, lsblkArgv, parseLsblk } from './disk.ts';
import { MAKERS } from '../rfs/root/init-plan.ts';
import type { Candidate } from './judge.ts';
import type { BootstrapOptions } from './options.ts';

const PROGRAMS: Record<string, string> = {
  lsblk: 'util-linux',
  wipefs: 'util-linux',
  setpriv: 'util-linux',
  sfdisk: 'fdisk',
  udevadm: 'udev',
  mdadm: 'mdadm',
  pvcreate: 'lvm2',
  'mkfs.ext4': 'e2fsprogs',
  'mkfs.vfat': 'dosfstools',
};

/** @throws ProloError `unavailable`, `forbidden` where no server can be made */
export function checkHost({ base, distribution }: BootstrapOptions): void {
  const maker = base === undefined ? MAKERS[distribution] : { tar: 'tar' };
  const missing = missingPackages({ ...PROGRAMS, ...maker });
  if (missing.length > 0)
    throw new ProloError('unavailable', `bootstrap: not installed here: ${missing.join(', ')}`, {
      hint: `apt-get install --no-install-recommends ${missing.join(' ')}`,
    });
  if (process.getuid?.() !== 0)
    throw new ProloError('forbidden', 'bootstrap: only root can write disks', { hint: 'run it with sudo' });
}

/** All disks of this machine, with what is on them. */
export async function readDisks(): Promise<BlockDevice[]> {
  return parseLsblk((await runOk(lsblkArgv())).stdout);
}

/**
 * What is known of the disks that were named.
 * @param erase those that may lose what they hold
 * @throws ProloError `bad-input`, `not-found`
 */
export async function lookAt(paths: readonly string[], erase: readonly string[]): Promise<Candidate[]> {
  const real = paths.map(resolveDisk);
  const other = real.find((path) => !statSync(path).isBlockDevice());
  if (other)
    throw new ProloError('bad-input', `disk ${other}: not a disk`, { hint: '`lsblk` shows what there is' });
  const erased = erase.map(resolveDisk);
  const twice = real.find((path, index) => real.indexOf(path) !== index);
  if (twice) throw new ProloError('bad-input', `disk ${twice}: is one disk, and there have to be two`);
  const stranger = erased.find((path) => !real.includes(path));
  if (stranger)
    throw new ProloError('bad-input', `disk ${stranger}: is to be erased, and not to be used`, {
      hint: 'name it beside the others too',
    });
  return Promise.all(
    real.map(async (path) => ({
      disk: parseLsblk((await runOk(lsblkArgv(path))).stdout)[0]!,
      signatures: words(
        (await runOk(['wipefs', '--no-act', '--noheadings', '--output', 'TYPE', path])).stdout,
      ),
      erase: erased.includes(path),
    })),
  );
}

/** `/dev/disk/by-id/…` and its like are other names of it. @throws ProloError `not-found` */
export function resolveDisk(path: string): string {
  const name = path.includes('/') ? path : `/dev/${path}`;
  try {
    return realpathSync(name);
  } catch (cause) {
    throw new ProloError('not-found', `disk ${name}: not there`, {
      hint: '`lsblk` shows what there is',
      cause,
    });
  }
}

const words = (text: string): string[] => text.split(/\s+/).filter(Boolean);
