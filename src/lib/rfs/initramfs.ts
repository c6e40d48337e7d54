import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type CpioEntry, packCpio } from '../cpio.ts';
import { ProloError } from '../errors.ts';
import { runOk } from '../exec.ts';
import { findKernel, type KernelTree } from '../kernel-tree.ts';
import { chooseModules } from '../netboot/kernel-modules.ts';
import { packageRoot } from '../package-root.ts';

const APPLETS =
  'sh mount umount mkdir cp rm cat echo printf tr sed grep head tail sort find xargs sleep reboot ip udhcpc modprobe losetup ls hostname switch_root dmesg nc timeout true';

/** Beside network cards and keyboards: what leads to the root. */
const WANTED = [
  /\/drivers\/net\/(ethernet|phy|mdio|pcs|usb|vmxnet3)\//,
  /\/drivers\/net\/(virtio_net|mii|mdio)\.ko/,
  /\/drivers\/virtio\/virtio_pci\.ko/,
  /\/drivers\/usb\/(host|core|common)\//,
  /\/drivers\/hid\/(usbhid\/usbhid|hid|hid-generic)\.ko/,
  /\/drivers\/input\/(keyboard\/atkbd|serio\/(i8042|libps2|serio))\.ko/,
  /\/net\/packet\/af_packet\.ko/,
  /\/drivers\/block\/loop\.ko/,
  /\/drivers\/md\/dm-(mod|verity)\.ko/,
  /\/crypto\/sha256_(generic|ssse3)\.ko/,
  /\/arch\/x86\/crypto\/sha256-ssse3\.ko/,
  /\/fs\/(squashfs\/squashfs|erofs\/erofs|overlayfs\/overlay|nfs\/nfs|nfs\/nfsv3|nfs\/nfsv4)\.ko/,
  /\/fs\/nfs\/.*\/nfs_layout_.*\.ko/,
];

/**
 * The kernel of a tree and the initramfs that finds that tree's image on the network, of programs of the tree itself.
 * @returns the kernel's version
 * @throws ProloError `not-found` when the tree has no kernel, or lacks a program
 */
export async function makeInitramfs(tree: string, out: { vmlinuz: string; initrd: string }): Promise<string> {
  const kernel = needKernel(tree);
  const entries = [
    ...(await programs(tree)),
    ...(await modules(kernel)),
    { path: 'init', data: template('init'), mode: 0o755 },
    { path: 'bin/dhcp-event', data: template('dhcp-event'), mode: 0o755 },
    ...['proc', 'sys', 'dev', 'run', 'etc', 'tmp'].map((folder) => ({ path: `${folder}/.keep` })),
  ];
  await writeFile(out.initrd, gzipSync(packCpio(entries), { level: 6 }));
  await writeFile(out.vmlinuz, await readFile(kernel.vmlinuz));
  return kernel.version;
}

function needKernel(tree: string): KernelTree {
  const kernel = findKernel(tree);
  if (kernel) return kernel;
  throw new ProloError('not-found', `staging ${tree}: no kernel with its modules`, {
    hint: 'install one: `prolo rfs install linux-image-amd64`',
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

/** A path of the tree, its links followed as a system would that has the tree as its root. */
export function inside(tree: string, path: string, depth = 0): string {
  let at = tree;
  const steps = path.split('/').filter(Boolean);
  for (const [i, step] of steps.entries()) {
    const next = join(at, step);
    const stat = lstatSync(next, { throwIfNoEntry: false });
    if (!stat?.isSymbolicLink()) {
      at = next;
      continue;
    }
    if (depth > 40) throw new ProloError('bad-input', `staging ${tree}: ${path} is a link to itself`);
    const target = readlinkSync(next);
    const from = target.startsWith('/') ? '/' : `/${at.slice(tree.length)}`;
    return inside(tree, [resolve(from, target), ...steps.slice(i + 1)].join('/'), depth + 1);
  }
  return at;
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

async function modules({ modules: from, version }: KernelTree): Promise<CpioEntry[]> {
  const read = (path: string): Promise<Buffer> => readFile(join(from, path));
  const dep = (await read('modules.dep')).toString('utf8');
  const paths = chooseModules(dep, WANTED);
  const to = `lib/modules/${version}`;
  const lists = ['modules.dep', 'modules.alias', 'modules.softdep', 'modules.symbols', 'modules.builtin'];
  return [
    ...(await Promise.all(
      paths.map(async (path) => ({ path: join(to, plainName(path)), data: await unpack(read(path), path) })),
    )),
    ...(await Promise.all(
      lists.map(async (name) => ({
        path: join(to, name),
        data: name === 'modules.dep' ? plainNames(dep) : await read(name).catch(() => Buffer.alloc(0)),
      })),
    )),
  ].filter(({ path }) => dirname(path) !== '.');
}

/** Busybox's modprobe takes no packed modules everywhere, and the whole initramfs is packed anyway. */
async function unpack(data: Promise<Buffer>, path: string): Promise<Buffer> {
  if (path.endsWith('.gz')) return gunzipSync(await data);
  if (/\.(xz|zst)$/.test(path))
    throw new ProloError('unavailable', `module ${path}: packed as no prolo reads it yet`);
  return data;
}

const plainName = (path: string): string => path.replace(/\.gz$/, '');
const plainNames = (dep: string): string => dep.replaceAll(/\.ko\.gz\b/g, '.ko');
