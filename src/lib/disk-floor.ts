import { statfs } from 'node:fs/promises';
import { ProloError } from './errors.ts';

/** Of the space and the inodes that are free, this much is left to those who work on this host. */
const LEFT_SHARE = 0.05;
/** Between two looks at what is left; on a small disk less. */
const LOOK_BYTES = 4 * 1024 ** 2;

/**
 * Looks at the disk of a folder while others fill it.
 * @returns to be told how many bytes went there; throws ProloError `full` once the disk nearly is
 */
export async function watchDisk(
  dir: string,
  hint?: string,
): Promise<(bytes: number) => Promise<void> | void> {
  const free = await statfs(dir);
  const lookBytes = Math.min(LOOK_BYTES, (free.bavail * free.bsize * LEFT_SHARE) / 2);
  let untilLook = lookBytes;
  const look = async (): Promise<void> => {
    const { bavail, ffree } = await statfs(dir);
    if (bavail < free.bavail * LEFT_SHARE || ffree < free.ffree * LEFT_SHARE)
      throw new ProloError(
        'full',
        `${dir}: the disk here is nearly full`,
        hint === undefined ? {} : { hint },
      );
  };
  return (bytes) => {
    untilLook -= bytes;
    if (untilLook > 0) return;
    untilLook = lookBytes;
    return look();
  };
}
