import { type BlockDevice, partitionPath } from './disk.ts';
import { arrayPath, diskSteps, volumePath } from './disk-steps.ts';
import { espMount } from './files.ts';
import { TARGET } from './judge.ts';
import type { Places } from './known-disks.ts';
import { ESP, RAID, RAID_NAME, renameArgv } from './layout.ts';
import type { BootstrapOptions, Ids } from './options.ts';
import { argvs, type Step } from './step.ts';
import { systemSteps } from './system-steps.ts';

/** All that makes a server of disks, in order. @param places where each disk is plugged in. @throws ProloError `bad-input` where they are too small */
export function planBootstrap(
  disks: readonly BlockDevice[],
  options: BootstrapOptions,
  ids: Ids,
  places: Places = new Map(),
): Step[] {
  return [
    ...diskSteps(disks, options, ids),
    ...mountSteps(disks, options),
    ...systemSteps(disks, options, ids, places),
    {
      name: 'finish',
      what: 'unmounts it, and the disks are no longer half made',
      when: 'always',
      actions: argvs(
        ['sync', '--file-system', TARGET],
        ...disks.map(({ path }) => renameArgv(path, RAID_NAME)),
        ['rm', '-f', `${TARGET}${DONE_FILE}`],
        ['umount', '--recursive', TARGET],
        ['vgchange', '--activate', 'n', options.host],
        // The array goes on with its first copy; so udev looks at the names by itself.
        [
          'udevadm',
          'trigger',
          '--settle',
          '--action=change',
          ...disks.map(({ path }) => partitionPath(path, RAID)),
        ],
      ),
    },
  ];
}

/** Which steps were done, and the ids; a line of JSON each. It lies in the new system until that is whole. */
export const DONE_FILE = '/.prolo-bootstrap';

/** What brings half-made disks up again. Each may fail where there is nothing to bring up. */
export function bringUpArgv(disks: readonly BlockDevice[], { host }: BootstrapOptions): string[][] {
  const members = disks.map(({ path }) => partitionPath(path, RAID));
  return [
    ['mdadm', '--assemble', '--run', arrayPath(host), ...members],
    ['vgchange', '--activate', 'y', host],
  ];
}

/** What looks into half-made disks. */
export const peekArgv = ({ host }: BootstrapOptions): string[] => [
  'mount',
  '--mkdir',
  volumePath(host, 'root'),
  TARGET,
];

function mountSteps(disks: readonly BlockDevice[], { host, volumes }: BootstrapOptions): Step[] {
  const mount = (device: string, at: string): string[] => ['mount', '--mkdir', device, `${TARGET}${at}`];
  return [
    {
      name: 'mount',
      what: `mounts it at ${TARGET}`,
      when: 'always',
      actions: argvs(
        mount(volumePath(host, 'root'), ''),
        ...[...volumes]
          .sort((a, b) => a.mount.length - b.mount.length)
          .map((one) => mount(volumePath(host, one.name), one.mount)),
        ...disks.map(({ path }, index) => mount(partitionPath(path, ESP), espMount(index))),
      ),
    },
  ];
}
