import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type CpioEntry, packCpio } from '../cpio.ts';
import type { KernelTree } from '../kernel-tree.ts';
import { packageRoot } from '../package-root.ts';
import { readModules } from './kernel.ts';

const APPLETS =
  'sh mount ip cat cut grep sed echo sleep udhcpc wget nslookup insmod hostname sync poweroff reboot ls uname tail mkdir cp switch_root';
const MODULES = ['virtio_pci', 'virtio_net', 'virtio_rng'];
/** Its disk, the channel for commands, and homes. */
const GUEST_MODULES = [
  ...MODULES,
  'virtio_blk',
  'virtio_console',
  'squashfs',
  'overlay',
  'crc32c_intel',
  'nbd',
];

/** The guests' whole userland: busybox, the modules of their network card, and templates/lab/init. */
export function buildInitramfs(tree: KernelTree, busybox: string): Buffer {
  const lease = { path: 'lease', data: template('lease'), mode: 0o755 };
  return pack([...base(tree, busybox, MODULES, 'init'), lease]);
}

/** What leads to a root filesystem on a disk; see templates/lab/guest-init. `own` comes into the guest's root. */
export function buildGuestInitramfs(tree: KernelTree, busybox: string, own: readonly CpioEntry[]): Buffer {
  const files = own.map((entry) => ({ ...entry, path: `guest/${entry.path}` }));
  return pack([...base(tree, busybox, GUEST_MODULES, 'guest-init'), ...files]);
}

function base(tree: KernelTree, busybox: string, wanted: readonly string[], init: string): CpioEntry[] {
  return [
    { path: 'bin/busybox', data: readFileSync(busybox), mode: 0o755 },
    ...APPLETS.split(' ').map((applet) => ({ path: `bin/${applet}`, link: 'busybox' })),
    // Numbered, so that the shell's own order is the one to load them in.
    ...readModules(tree, wanted).map(({ data }, index) => ({
      path: `modules/${String(index).padStart(3, '0')}.ko`,
      data,
    })),
    { path: 'init', data: template(init), mode: 0o755 },
    ...['proc', 'sys', 'dev', 'etc', 'tmp'].map((folder) => ({ path: `${folder}/.keep` })),
  ];
}

function template(name: string): Buffer {
  return readFileSync(join(packageRoot, 'templates/lab', name));
}

function pack(entries: readonly CpioEntry[]): Buffer {
  return gzipSync(packCpio(entries), { level: 1 });
}
