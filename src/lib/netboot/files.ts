import { realpathSync } from 'node:fs';
import { sep } from 'node:path';
import type { Stage } from './stages.ts';

/**
 * Whether what a path below `root` names is in `root` itself, whatever links are on its way. A file that is not there is
 * not refused here: the server says 404.
 */
export function staysInside(root: string, path: string): boolean {
  try {
    const real = realpathSync(root);
    return realpathSync(root + path).startsWith(real + sep);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** Which stage of a boot a file stands for: what our own script wrote behind it, else what the config calls it. */
export function stageOfFile(
  path: string,
  said: unknown,
  netboot: { kernel: string; initrd: readonly string[] },
): Extract<Stage, 'kernel' | 'initramfs'> | undefined {
  if (said === 'kernel' || said === 'initramfs') return said;
  const named = (file: string) => path === file || path.endsWith(`/${file}`);
  if (named(netboot.kernel)) return 'kernel';
  return netboot.initrd.some(named) ? 'initramfs' : undefined;
}
