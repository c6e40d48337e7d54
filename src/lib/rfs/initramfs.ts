import { lstatSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type CpioEntry, packCpio } from '../cpio.ts';
import { ProloError } from '../errors.ts';
import { run, runOk } from '../exec.ts';
import { findKernel, imagesOf, type KernelTree, newestVersion } from '../kernel-tree.ts';
import { packageRoot } from '../package-root.ts';
import { moduleEntries } from './initramfs-modules.ts';
import { inside } from './inside.ts';

const APPLETS =
  'sh mount umount mkdir cp rm cat echo printf tr sed grep head tail sort find xargs sleep reboot ip udhcpc modprobe losetup ls hostname switch_root dmesg nc timeout true dd';

const SCRIPTS = { init: 'init', dhcpEvent: 'dhcp-event' };

/** What is ours in every initramfs. */
export const initramfsScripts = (): string[] =>
  Object.values(SCRIPTS).map((name) => template(name).toString('utf8'));

export interface Initramfs {
  /** Where to. */
  vmlinuz: string;
  initrd: string;
  /** Of the image's beginning, which each boot fetches ahead. */
  aheadBytes?: number;
}

/**
 * The kernel of a tree and the initramfs that finds that tree's image on the network, of programs of the tree itself.
 * @returns the kernel's version
 * @throws ProloError `not-found` when the tree has no kernel, or lacks a program
 */
export async function makeInitramfs(tree: string, out: Initramfs): Promise<string> {
  const kernel = needKernel(tree);
  const entries = [
    ...(await programs(tree)),
    ...(await moduleEntries(tree, kernel)),
    { path: 'init', data: template(SCRIPTS.init), mode: 0o755 },
    { path: 'etc/ahead', data: Buffer.from(`${Math.floor((out.aheadBytes ?? 0) / 2 ** 20)}\n`) },
    { path: 'bin/dhcp-event', data: template(SCRIPTS.dhcpEvent), mode: 0o755 },
    ...['proc', 'sys', 'dev', 'run', 'etc', 'tmp'].map((folder) => ({ path: `${folder}/.keep` })),
  ];
  await pack(tree, kernel, packCpio(entries), out.initrd);
  await writeFile(out.vmlinuz, await readFile(kernel.vmlinuz));
  return kernel.version;
}

/** By zstd where this kernel says that it unpacks that: a quarter of gzip's time, and smaller. */
async function pack(tree: string, { version }: KernelTree, archive: Buffer, initrd: string): Promise<void> {
  const config = await readFile(inside(tree, `boot/config-${version}`), 'utf8').catch(() => '');
  if (/^CONFIG_RD_ZSTD=y$/m.test(config)) {
    const plain = `${initrd}.cpio`;
    await writeFile(plain, archive);
    const done = await run(['zstd', '-q', '-f', '-6', '--rm', plain, '-o', initrd], {
      timeoutMs: 120_000,
    }).catch(() => undefined);
    if (done?.exitCode === 0) return;
    await rm(plain, { force: true });
  }
  await writeFile(initrd, await promisify(gzip)(archive, { level: 6 }));
}

/**
 * The newest; one that is only half there would be passed over in silence, and is not. Everybody can read what comes of it: a link to a
 * file of the gateway must not lead there.
 */
function needKernel(tree: string): KernelTree {
  const at = (path: string): string => inside(tree, path);
  const kernel = findKernel(tree, at);
  const newest = newestVersion(imagesOf(at('boot')));
  const hint = { hint: 'install one: `prolo rfs install linux-image-amd64`' };
  if (!kernel) throw new ProloError('not-found', `staging ${tree}: no kernel with its modules`, hint);
  if (newest === undefined || newestVersion([newest, kernel.version]) === kernel.version) return kernel;
  throw new ProloError('refused', `staging ${tree}: kernel ${newest} has no list of its modules`, {
    hint: `finish its installation in \`prolo rfs shell\` (depmod ${newest}), or take /boot/vmlinuz-${newest} away`,
  });
}

function template(name: string): Buffer {
  return readFileSync(join(packageRoot, 'templates/rfs', name));
}

/** Busybox, and what it does not do; with the libraries that they are linked to, at their own paths. */
async function programs(tree: string): Promise<CpioEntry[]> {
  const busybox = need(tree, 'busybox', 'busybox-static');
  const veritysetup = need(tree, 'veritysetup', 'cryptsetup-bin');
  const libraries = await librariesOf(tree, [veritysetup]);
  return [
    { path: 'bin/busybox', data: readFileSync(inside(tree, busybox)), mode: 0o755 },
    ...APPLETS.split(' ').map((applet) => ({ path: `bin/${applet}`, link: 'busybox' })),
    { path: 'sbin/modprobe', link: '../bin/busybox' }, // the kernel calls it by this path
    { path: 'bin/veritysetup', data: readFileSync(inside(tree, veritysetup)), mode: 0o755 },
    ...libraries.map((path) => ({
      path: path.slice(1),
      data: readFileSync(inside(tree, path)),
      mode: 0o755,
    })),
  ];
}

function need(tree: string, program: string, pkg: string): string {
  for (const dir of ['/usr/bin', '/usr/sbin', '/bin', '/sbin'])
    if (isFile(inside(tree, `${dir}/${program}`))) return `${dir}/${program}`;
  throw new ProloError('not-found', `staging ${tree}: no ${program}`, {
    hint: `install it: \`prolo rfs install ${pkg}\``,
  });
}

async function librariesOf(tree: string, files: readonly string[]): Promise<string[]> {
  const { stdout } = await runOk(['chroot', tree, 'ldd', ...files]);
  return [...new Set([...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path!))];
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
