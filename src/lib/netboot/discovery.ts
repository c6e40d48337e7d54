import {
  access,
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ProloError } from '../errors.ts';
import { runOk } from '../exec.ts';
import { findKernel, type KernelTree } from '../kernel-tree.ts';
import { packageRoot } from '../package-root.ts';
import { chooseModules } from './kernel-modules.ts';

/** Of busybox, what the init calls by name. */
const APPLETS =
  'sh mount mkdir mv rm cat echo printf tr sed grep head tail sort find xargs sleep reboot ip udhcpc wget modprobe nslookup dmesg ls ps';

/** Firmware without which some network cards do nothing. */
const FIRMWARE = ['rtl_nic', 'tigon', 'bnx2', 'bnx2x', 'e100', 'cxgb4'];

export interface DiscoveryOptions {
  /** `/`, or an unpacked Debian kernel package. */
  kernelTree: string;
  /** Where `vmlinuz` and `initrd.img` go. */
  outDir: string;
  onProgress?(text: string): void;
}

export interface Discovery {
  kernelVersion: string;
  kernel: string;
  initrd: string;
  modules: number;
  sizeBytes: number;
}

/**
 * Builds the small Linux that registers a machine whose iPXE has no LLDP: a Debian kernel's network drivers, busybox, lldpd.
 * The files of before stay until the new ones are whole.
 * @throws ProloError `unavailable` when a program is missing, `not-found` when there is no kernel in the tree
 */
export async function buildDiscovery({
  kernelTree,
  outDir,
  onProgress,
}: DiscoveryOptions): Promise<Discovery> {
  const { version, vmlinuz, modules: modulesDir } = needKernel(kernelTree);
  await mkdir(outDir, { recursive: true });
  const work = await mkdtemp(join(outDir, '.build-'));
  try {
    const root = join(work, 'root');
    onProgress?.(`kernel ${version}`);
    await layOut(root);
    const modules = await addModules(root, modulesDir, version);
    await addFirmware(root, kernelTree);
    onProgress?.(`${modules} modules; packing`);
    await pack(root, join(work, 'initrd'));
    await copyFile(vmlinuz, join(work, 'vmlinuz'));
    await chmod(join(work, 'vmlinuz'), 0o644);
    const [kernel, initrd] = [join(outDir, 'vmlinuz'), join(outDir, 'initrd.img')];
    await rename(join(work, 'vmlinuz'), kernel);
    await rename(join(work, 'initrd.gz'), initrd);
    return { kernelVersion: version, kernel, initrd, modules, sizeBytes: (await stat(initrd)).size };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function needKernel(tree: string): KernelTree {
  const kernel = findKernel(tree);
  if (kernel) return kernel;
  throw new ProloError(
    'not-found',
    `kernel tree ${tree}: no boot/vmlinuz-VERSION with lib/modules/VERSION/modules.dep`,
    {
      hint: 'unpack a linux-image package with `dpkg -x`, then run `depmod -b TREE VERSION`',
    },
  );
}

async function layOut(root: string): Promise<void> {
  for (const dir of ['bin', 'sbin', 'etc', 'dev', 'proc', 'sys', 'run', 'tmp', 'var'])
    await mkdir(join(root, dir), { recursive: true });
  await symlink('/run', join(root, 'var/run'));
  const busybox = await findProgram('busybox', 'busybox-static');
  await addProgram(root, busybox, 'bin/busybox');
  for (const applet of APPLETS.split(' ')) await symlink('busybox', join(root, 'bin', applet));
  await symlink('../bin/busybox', join(root, 'sbin/modprobe')); // the kernel calls it by this path
  for (const program of ['lldpd', 'lldpcli'])
    await addProgram(root, await findProgram(program, 'lldpd'), `sbin/${program}`);
  await mkdir(join(root, 'usr'));
  await symlink('../sbin', join(root, 'usr/sbin')); // lldpd calls lldpcli by this path
  await writeFile(
    join(root, 'etc/passwd'),
    'root:x:0:0::/:/bin/sh\n_lldpd:x:101:101::/run/lldpd:/bin/false\n',
  );
  await writeFile(join(root, 'etc/group'), 'root:x:0:\n_lldpd:x:101:\n');
  for (const [name, target] of [
    ['init', 'init'],
    ['dhcp-event', 'bin/dhcp-event'],
  ] as const) {
    await copyFile(join(packageRoot, 'templates/discovery', name), join(root, target));
    await chmod(join(root, target), 0o755);
  }
}

/** A program with the libraries that it is linked to, at their own paths. */
async function addProgram(root: string, program: string, target: string): Promise<void> {
  await copyFile(program, join(root, target));
  await chmod(join(root, target), 0o755);
  const { stdout } = await runOk(['ldd', program]).catch(() => ({ stdout: '' })); // a static one has none
  for (const [, library] of stdout.matchAll(/(\/\S+) \(0x/g)) {
    await mkdir(join(root, dirname(library!)), { recursive: true });
    await copyFile(library!, join(root, library!));
  }
}

async function findProgram(name: string, pkg: string): Promise<string> {
  for (const dir of ['/usr/sbin', '/usr/bin', '/sbin', '/bin'])
    if (await exists(join(dir, name))) return join(dir, name);
  throw new ProloError('unavailable', `program ${name}: not found`, { hint: `install the package ${pkg}` });
}

async function addModules(root: string, from: string, version: string): Promise<number> {
  const to = join(root, 'lib/modules', version);
  await mkdir(to, { recursive: true });
  const modules = chooseModules(await readFile(join(from, 'modules.dep'), 'utf8'));
  for (const module of modules) {
    await mkdir(join(to, dirname(module)), { recursive: true });
    await copyFile(join(from, module), join(to, module));
  }
  const packed = modules.filter((module) => module.endsWith('.xz')).map((module) => join(to, module));
  if (packed.length > 0) await runOk(['xz', '-d', ...packed]);
  for (const list of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'])
    if (await exists(join(from, list))) await copyFile(join(from, list), join(to, list));
  await runOk(['depmod', '-b', root, version]);
  return modules.length;
}

async function addFirmware(root: string, tree: string): Promise<void> {
  for (const name of FIRMWARE)
    for (const base of ['lib/firmware', 'usr/lib/firmware'])
      if (await exists(join(tree, base, name)))
        await cp(join(tree, base, name), join(root, 'lib/firmware', name), { recursive: true });
}

async function pack(root: string, archive: string): Promise<void> {
  const { stdout } = await runOk(['find', '.'], { cwd: root }); // unlike readdir it enters no link, such as var/run
  await runOk(['cpio', '-o', '-H', 'newc', '-R', '0:0', '--quiet', '-F', archive], {
    cwd: root,
    input: stdout,
    timeoutMs: 120_000,
  });
  await runOk(['gzip', '-n', archive], { timeoutMs: 300_000 });
  await rename(`${archive}.gz`, join(dirname(archive), 'initrd.gz'));
  await chmod(join(dirname(archive), 'initrd.gz'), 0o644);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
