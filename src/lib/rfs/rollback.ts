import { ProloError } from '../errors.ts';
import type { RfsRecord } from './record.ts';

/**
 * What to go back to.
 * @param versions all that there are
 * @param wanted by number; undefined: the newest one before those that are booted
 * @throws ProloError `not-found` when there is none
 */
export function chooseRollback(
  versions: readonly number[],
  boots: readonly RfsRecord[],
  wanted: number | undefined,
): number {
  const booted = boots.map(({ version }) => version);
  const target =
    wanted === undefined
      ? Math.max(-1, ...versions.filter((version) => version < Math.max(...booted)))
      : versions.find((version) => version === wanted);
  if (target !== undefined && target > 0 && boots.length > 0) return target;
  throw new ProloError('not-found', `version ${wanted ?? 'before this one'}: there is none`, {
    hint: 'see `prolo rfs status`',
  });
}
