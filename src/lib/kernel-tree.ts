import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A kernel with its modules, in a folder laid out like a root filesystem: `/`, or an unpacked Debian package. */
export interface KernelTree {
  version: string;
  vmlinuz: string;
  /** `…/lib/modules/<version>` */
  modules: string;
}

/** The newest kernel of a tree that has both an image and a list of its modules (`depmod` writes it). */
export function findKernel(tree: string): KernelTree | undefined {
  const boot = join(tree, 'boot');
  const images = existsSync(boot) ? readdirSync(boot) : [];
  for (const base of ['lib/modules', 'usr/lib/modules']) {
    const folderOf = (version: string): string => join(tree, base, version);
    const version = newestVersion(
      images
        .flatMap((file) => /^vmlinuz-(.+)$/.exec(file)?.[1] ?? [])
        .filter((candidate) => existsSync(join(folderOf(candidate), 'modules.dep'))),
    );
    if (version) return { version, vmlinuz: join(boot, `vmlinuz-${version}`), modules: folderOf(version) };
  }
  return undefined;
}

/** The newest of some kernel versions, their numbers compared as numbers. */
export function newestVersion(versions: readonly string[]): string | undefined {
  return [...versions].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
}

/** The text of `modules.dep`: what each module needs, all as paths below the kernel's module folder. */
export function readNeeds(modulesDep: string): Map<string, string[]> {
  return new Map(
    modulesDep
      .split('\n')
      .filter((line) => line.includes(':'))
      .map((line) => {
        const [path = '', rest = ''] = line.split(':');
        return [path, rest.trim().split(/\s+/).filter(Boolean)];
      }),
  );
}

/** Some modules and all that they need, each after those that it needs. */
export function inLoadOrder(
  needs: ReadonlyMap<string, readonly string[]>,
  wanted: Iterable<string>,
): string[] {
  const order = new Set<string>();
  const take = (path: string): void => {
    if (order.has(path)) return;
    needs.get(path)?.forEach(take);
    order.add(path);
  };
  for (const path of wanted) take(path);
  return [...order];
}
