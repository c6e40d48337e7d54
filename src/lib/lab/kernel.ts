import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ProloError } from '../errors.ts';
import { runOk } from '../exec.ts';
import { findKernel, inLoadOrder, type KernelTree, readNeeds } from '../kernel-tree.ts';

/** Where the guests' kernel is kept between runs; `PROLO_LAB_KERNEL` names another place. */
export function kernelDir(env: NodeJS.ProcessEnv = process.env): string {
  return env.PROLO_LAB_KERNEL ?? '/var/cache/prolo-lab/kernel';
}

/** @throws ProloError `unavailable` */
export function needKernel(dir: string): KernelTree {
  const tree = findKernel(dir);
  if (tree) return tree;
  throw new ProloError(
    'unavailable',
    `guest kernel: none in ${dir} (boot/vmlinuz-*, lib/modules/*/modules.dep)`,
    {
      hint: '`prolo lab boot` fetches Debian’s cloud kernel; --kernel names a folder with another',
    },
  );
}

/** Fetches Debian's cloud kernel: a small one that has what virtual machines need. Takes apt's lists as they are. */
export async function fetchKernel(dir: string): Promise<KernelTree> {
  await mkdir(dirname(dir), { recursive: true });
  const work = await mkdtemp(`${dir}.`);
  try {
    const { stdout } = await runOk(['apt-cache', 'depends', 'linux-image-cloud-amd64']);
    const name = /Depends: (linux-image-\S+-cloud-amd64)$/m.exec(stdout)?.[1];
    if (!name)
      throw new ProloError('unavailable', 'guest kernel: apt knows no linux-image-cloud-amd64', {
        hint: 'run `apt-get update`, or name a folder with a kernel by --kernel',
      });
    await runOk(['apt-get', 'download', '-o', 'APT::Sandbox::User=root', name], {
      cwd: work,
      timeoutMs: 600_000,
    });
    const deb = readdirSync(work).find((file) => file.endsWith('.deb'))!;
    const tree = join(work, 'tree');
    await runOk(['dpkg', '-x', join(work, deb), tree], { timeoutMs: 300_000 });
    const version = name.replace('linux-image-', '');
    await runOk(['depmod', '-b', tree, version], { timeoutMs: 300_000 });
    await rm(dir, { recursive: true, force: true });
    await rename(tree, dir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return needKernel(dir);
}

/**
 * The modules to load for what is wanted, each after those it needs; built-in ones need none.
 * @param dep the text of modules.dep
 */
export function moduleOrder(dep: string, wanted: readonly string[]): string[] {
  const needs = readNeeds(dep);
  return inLoadOrder(
    needs,
    [...needs.keys()].filter((path) => wanted.includes(moduleName(path))),
  );
}

function moduleName(path: string): string {
  return path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}

/** @throws ProloError `unavailable` for modules that busybox cannot load because they are compressed */
export function readModules(tree: KernelTree, wanted: readonly string[]): { path: string; data: Buffer }[] {
  const order = moduleOrder(readFileSync(join(tree.modules, 'modules.dep'), 'utf8'), wanted);
  const compressed = order.find((path) => !path.endsWith('.ko'));
  if (compressed)
    throw new ProloError('unavailable', `guest kernel ${tree.version}: module ${compressed} is compressed`, {
      hint: 'Debian 12’s are not; name a folder with such a kernel by --kernel',
    });
  return order.map((path) => ({ path, data: readFileSync(join(tree.modules, path)) }));
}
