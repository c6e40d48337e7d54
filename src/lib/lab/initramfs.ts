import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type CpioEntry, packCpio } from '../cpio.ts';
import type { KernelTree } from '../kernel-tree.ts';
import { packageRoot } from '../package-root.ts';
import { readModules } from './kernel.ts';

const APPLETS =
  'sh mount ip cat cut grep sed echo sleep udhcpc wget nslookup insmod hostname sync poweroff reboot ls uname tail';
const MODULES = ['virtio_pci', 'virtio_net', 'virtio_rng'];

/** The guests' whole userland: busybox, the modules of their network card, and templates/lab/init. */
export function buildInitramfs(tree: KernelTree, busybox: string): Buffer {
  const modules = readModules(tree, MODULES);
  const template = (name: string): Buffer => readFileSync(join(packageRoot, 'templates/lab', name));
  const entries: CpioEntry[] = [
    { path: 'bin/busybox', data: readFileSync(busybox), mode: 0o755 },
    ...APPLETS.split(' ').map((applet) => ({ path: `bin/${applet}`, link: 'busybox' })),
    // Numbered, so that the shell's own order is the one to load them in.
    ...modules.map(({ data }, index) => ({ path: `modules/${String(index).padStart(3, '0')}.ko`, data })),
    { path: 'init', data: template('init'), mode: 0o755 },
    { path: 'lease', data: template('lease'), mode: 0o755 },
    ...['proc', 'sys', 'dev', 'etc', 'tmp'].map((folder) => ({ path: `${folder}/.keep` })),
  ];
  return gzipSync(packCpio(entries), { level: 1 });
}
