import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelTree } from '../kernel-tree.ts';
import { initSite } from '../site/init.ts';
import { sampleDraft } from '../site/sample.ts';
import type { Site } from '../site/site.ts';
import type { ConfigDraft } from '../site/write-config.ts';
import { findProgram } from './packages.ts';
import { buildInitramfs } from './initramfs.ts';

/** Where machines of the lab reach the gateway: the sample's own address. */
export const LAB_GATEWAY = '192.168.1.254';
const ALIEN_GATEWAY = '192.168.250.254';
const PORT_BASE = 20000;

/** The sample's config on the lab's wire. Everything waits a short time only, since nobody has to read it. */
export const labDraft: ConfigDraft = {
  ...sampleDraft,
  name: 'lab',
  bind: ['127.0.0.1', LAB_GATEWAY, ALIEN_GATEWAY],
  portBase: PORT_BASE,
  serviceUrl: 'http://127.0.0.1:{port}',
  database: 'sqlite:prolo.db',
  // With its address, or Kea opens a socket for each that the bridge has, and answers each client as often.
  dhcp: { interfaces: [`br0/${LAB_GATEWAY}`] },
  netboot: {
    url: `http://${LAB_GATEWAY}:${PORT_BASE + 20}`,
    bootUrl: '{netboot}/files',
    kernel: 'vmlinuz',
    initrd: ['initrd.img'],
    kernelOptions: 'ip=dhcp quiet console=ttyS0 panic=-1 prolo.netboot={netboot}',
    pauseSeconds: 3,
  },
};

/** A site in a folder of its own, with the guests' kernel and initramfs where netboot serves them. */
export async function makeLabSite(
  dir: string,
  tree: KernelTree,
  draft: ConfigDraft = labDraft,
): Promise<Site> {
  const { fillSite } = await import('../site/fill.ts');
  const { site } = await initSite(dir, draft, (made) => fillSite(made, true, 'lab'));
  const boot = site.statePath(site.config.netboot.filesDir);
  mkdirSync(boot, { recursive: true });
  copyFileSync(tree.vmlinuz, join(boot, 'vmlinuz'));
  writeFileSync(join(boot, 'initrd.img'), buildInitramfs(tree, findProgram('busybox')!));
  return site;
}
