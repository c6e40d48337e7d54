import { stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Site } from '../../site/site.ts';
import { check, type Finding, green, type Patient, red, yellow } from '../check.ts';

export interface Disk {
  /** The folder that was asked about, and others on the same disk. */
  dirs: string[];
  bytes: number;
  freeBytes: number;
  /** 0 where the file system has no such limit. */
  inodes: number;
  freeInodes: number;
}

const RED = 0.05;
const YELLOW = 0.15;
/** So much is room enough, however small a part of a large disk it is. */
const ROOM_BYTES = 50e9;

/** The disks of the folders that the site writes to. */
export const disk = check({
  name: 'disk',
  subject: 'space on the disks of the site',
  async gather({ site }: Patient): Promise<Disk[]> {
    const disks = new Map<number, Disk>();
    for (const dir of foldersOf(site)) {
      const found = await stat(dir).catch(() => undefined);
      if (!found) continue;
      const known = disks.get(found.dev);
      if (known) {
        known.dirs.push(dir);
        continue;
      }
      const { bsize, blocks, bavail, files, ffree } = await statfs(dir);
      disks.set(found.dev, {
        dirs: [dir],
        bytes: blocks * bsize,
        freeBytes: bavail * bsize,
        inodes: files,
        freeInodes: ffree,
      });
    }
    return [...disks.values()];
  },
  decide: (disks: Disk[]) => {
    const found = disks.flatMap(judge);
    const least = Math.min(...disks.map(({ freeBytes }) => freeBytes));
    return found.length > 0
      ? found
      : [
          green(
            `${disks.length} ${disks.length === 1 ? 'disk' : 'disks'}, at least ${gigabytes(least)} free`,
          ),
        ];
  },
});

export function foldersOf({ config, dir, statePath }: Site): string[] {
  const { database, rfs, hfs } = config;
  return [
    ...new Set([
      dir,
      statePath(),
      ...(database?.startsWith('sqlite:') ? [dirname(resolve(dir, database.slice('sqlite:'.length)))] : []),
      resolve(dir, rfs.dir),
      resolve(dir, rfs.staging),
      resolve(statePath(), hfs.dir),
      ...(hfs.backup.repository.startsWith('/') ? [hfs.backup.repository] : []),
      '/var/log',
      '/var/lib',
      '/tmp',
    ]),
  ];
}

function judge({ dirs, bytes, freeBytes, inodes, freeInodes }: Disk): Finding[] {
  if (bytes === 0) return [];
  const where = dirs[0]!;
  const fix = `du -xhd1 ${where} | sort -h`;
  const space = freeBytes / bytes;
  const part = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
  const found: Finding[] = [];
  if (space < RED && freeBytes < ROOM_BYTES)
    found.push(red(`${where}: ${gigabytes(freeBytes)} free, ${part(space)}`, fix));
  else if (space < YELLOW && freeBytes < ROOM_BYTES)
    found.push(yellow(`${where}: ${gigabytes(freeBytes)} free, ${part(space)}`, fix));
  if (inodes > 0 && freeInodes / inodes < YELLOW)
    found.push(
      (freeInodes / inodes < RED ? red : yellow)(
        `${where}: ${freeInodes} inodes free, ${part(freeInodes / inodes)}`,
        `du --inodes -xd1 ${where} | sort -n`,
      ),
    );
  return found;
}

const gigabytes = (bytes: number): string =>
  bytes < 1e9 ? `${Math.floor(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
