import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { findKernel } from '../../src/lib/kernel-tree.ts';
import type { Manifest } from '../../src/lib/rfs/manifest.ts';
import { findProgram } from './needs.ts';

/** Where the kernel of the lab's guests is. */
export const kernelTreeOfLab = (): string => process.env.PROLO_LAB_KERNEL ?? '/var/cache/prolo-lab/kernel';

export function needsKernel(context: Mocha.Context): void {
  if (findKernel(kernelTreeOfLab())) return;
  if (process.env.CI === 'true') throw new Error(`missing: a kernel in ${kernelTreeOfLab()}`);
  context.skip();
}

/** The smallest tree that a version can be made of: a kernel, busybox, veritysetup and what that is linked to. */
export async function makeStaging(tree: string, kernelTree: string): Promise<void> {
  const kernel = findKernel(kernelTree)!;
  for (const dir of [
    'boot',
    'etc',
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'usr/lib64',
    'proc',
    'sys',
    'dev',
    'run',
    'tmp',
  ])
    mkdirSync(join(tree, dir), { recursive: true });
  for (const dir of ['bin', 'sbin', 'lib', 'lib64'])
    if (existsSync(`/${dir}`) && lstatSync(`/${dir}`).isSymbolicLink())
      symlinkSync(readlinkSync(`/${dir}`), join(tree, dir));
  copyFileSync(kernel.vmlinuz, join(tree, 'boot', `vmlinuz-${kernel.version}`));
  cpSync(kernel.modules, join(tree, 'lib/modules', kernel.version), { recursive: true });
  const programs = ['busybox', 'veritysetup', 'ldd', 'bash', 'cat'].map((name) => findProgram(name)!);
  const libraries = programs.flatMap((program) => librariesOf(program));
  for (const file of [...programs, ...libraries]) {
    mkdirSync(join(tree, dirname(file)), { recursive: true });
    copyFileSync(file, join(tree, file));
    chmodSync(join(tree, file), 0o755);
  }
  writeFileSync(join(tree, 'etc/machine-id'), '');
  plantProlo(tree);
}

/** In place of what `configureRoot` puts in, for trees whose machines run none of it: a commit asks for it. */
export function plantProlo(tree: string): void {
  for (const dir of ['etc/prolo', 'usr/lib/prolo/bin']) mkdirSync(join(tree, dir), { recursive: true });
  for (const path of ['etc/prolo/prolo.yml', 'usr/lib/prolo/bin/run.js', 'usr/lib/prolo/node'])
    writeFileSync(join(tree, path), '# none\n');
  writeFileSync(join(tree, 'etc/prolo/secrets.yml'), '{}\n', { mode: 0o600 });
}

function librariesOf(program: string): string[] {
  try {
    const text = execFileSync('ldd', [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return [...text.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path!);
  } catch {
    return []; // a static one
  }
}

/** Of a version without files. */
export function manifestOf(version: number): Manifest {
  const file = { bytes: 1, sha256: 'a'.repeat(64) };
  return {
    version,
    message: `number ${version}`,
    by: 'root@gw',
    at: '2026-05-08T22:00:00.000Z',
    kernelVersion: '6.1.0',
    rootHash: String(version).repeat(64).slice(0, 64),
    fingerprint: 'f'.repeat(64),
    files: { 'root.img': file, 'root.verity': file, vmlinuz: file, 'initrd.img': file },
  };
}
