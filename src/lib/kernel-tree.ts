import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A kernel with its modules, in a folder laid out like a root filesystem: `/`, or an unpacked Debian package. */
export interface KernelTree {
  version: string;
  vmlinuz: string;
  /** `…/lib/modules/<version>` */
  modules: string;
}

/**
 * The newest kernel of a tree that has both an image (in /boot as Debian has it, or among its modules as Arch does) and a list of
 * its modules (`depmod` writes it).
 * @param at where a path of the tree is
 */
export function findKernel(
  tree: string,
  at = (path: string): string => join(tree, path),
): KernelTree | undefined {
  for (const base of ['lib/modules', 'usr/lib/modules']) {
    const folder = at(base);
    const vmlinuzOf = (version: string): string | undefined =>
      [at(`boot/vmlinuz-${version}`), at(`${base}/${version}/vmlinuz`)].find(isFile);
    const version = newestVersion(
      (existsSync(folder) ? readdirSync(folder) : []).filter(
        (name) => existsSync(at(`${base}/${name}/modules.dep`)) && vmlinuzOf(name),
      ),
    );
    if (version) return { version, vmlinuz: vmlinuzOf(version)!, modules: at(`${base}/${version}`) };
  }
  return undefined;
}

/** Who reads a pipe waits for good. */
function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Versions of the kernels in a tree's /boot, whether they have modules or not. */
export function imagesOf(boot: string): string[] {
  return (existsSync(boot) ? readdirSync(boot) : []).flatMap(
    (file) => /^vmlinuz-(\d.*)$/.exec(file)?.[1] ?? [],
  );
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
