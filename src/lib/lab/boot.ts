import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { KernelTree } from '../kernel-tree.ts';
import { setSetting } from '../mdb/settings.ts';
import { databaseUrl } from '../site/site.ts';
import { openStore } from '../store/store.ts';
import { createLab, type Lab, type Pc } from './lab.ts';
import { type Milestone, readMilestone } from './milestones.ts';
import { labMac } from './qemu.ts';
import { registerByHand } from './register.ts';
import { startServers } from './servers.ts';
import { labDraft, makeLabSite } from './site.ts';

export interface LabBootOptions {
  dir: string;
  kernel: KernelTree;
  guests: number;
  /** Leaves the folder behind. */
  keep: boolean;
  firmware: 'bios' | 'uefi';
  /** What happened to whom, `lab` itself or a PC, as it happens. */
  onEvent(who: string, what: string): void;
  /** Runs while all is still there. */
  beforeStop?(lab: Lab): Promise<void>;
}

export interface BootedPc {
  hostname: string;
  mac: string;
  ip: string;
  /** The kernel's own words. */
  arguments: string;
  /** From switched on, over registration and its reboot, to init. */
  seconds: number;
}

/** A minute is plenty for each step of a boot, also where the processor has other things to do. */
const STEP_MS = 120_000;

/** A sample site on a wire of its own, and PCs that nobody knows: each registers by the menu, reboots, and boots to init. */
export async function bootInLab(options: LabBootOptions): Promise<BootedPc[]> {
  const { dir, guests, firmware, onEvent } = options;
  onEvent('lab', 'makes a sample site');
  const site = await makeLabSite(join(dir, 'site'), options.kernel, labDraft);
  const store = await openStore(databaseUrl(site));
  await setSetting(store, 'lab', 'allow_self_registration', 'true').finally(() => store.close());

  const lab = await createLab(site.config, { dir, keep: options.keep });
  try {
    onEvent(
      'lab',
      `starts the site's daemons, named, kea-dhcp4 and in.tftpd in the network namespace ${lab.network.netns}`,
    );
    await startServers(lab, site);
    const numbers = Array.from({ length: guests }, (_, i) => i + 1);
    const booted = await atOnce(numbers, Math.max(1, availableParallelism()), async (number) => {
      const hostname = `alt-r01p${String(number).padStart(2, '0')}`;
      const pc = await lab.plugPc({ name: `pc${number}`, mac: labMac(number), firmware, limitSeconds: 600 });
      onEvent(pc.name, `is switched on (${firmware.toUpperCase()}, ${pc.mac})`);
      watch(pc, onEvent);
      const startedMs = Date.now();
      await registerByHand(
        pc.console,
        site.config,
        { hostname, room: 'alt', rfs: 0, hfs: 0, mtype: 'user' },
        STEP_MS,
      );
      await pc.console.waitFor(/registered: /, STEP_MS);
      const [, ip = ''] = await pc.console.waitFor(/^LAB address ([\d.]+)\//m, STEP_MS);
      const [, words = ''] = await pc.console.waitFor(/^LAB arguments (.*)\n/m, STEP_MS);
      await pc.console.waitFor(/^LAB OK init\n/m, STEP_MS);
      const seconds = (Date.now() - startedMs) / 1000;
      await pc.off;
      onEvent(pc.name, 'has powered off');
      return { hostname, mac: pc.mac, ip, arguments: words, seconds };
    });
    await options.beforeStop?.(lab);
    return booted;
  } finally {
    await lab.stop();
  }
}

/** Tells each milestone once: menus are drawn more than once. */
function watch(pc: Pc, onEvent: LabBootOptions['onEvent']): void {
  let last: Milestone | undefined;
  pc.console.onLine((line) => {
    const milestone = readMilestone(line);
    if (milestone && milestone.text !== last?.text) onEvent(pc.name, milestone.text);
    last = milestone ?? last;
  });
}

/** At most `limit` of them at a time; the first failure is everyone's. */
async function atOnce<T, R>(items: readonly T[], limit: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i; (i = next++) < items.length;) results[i] = await work(items[i]!);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
