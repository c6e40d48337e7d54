import { type BlockDevice, partitionPath } from '../bootstrap/disk.ts';
import type { Step } from '../bootstrap/step.ts';
import type { Replacement } from './raid-replace.ts';

const BIOS_TYPE = '21686148-6449-6E6F-744E-656564454649';
export const ESP_TYPE = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';

/** What makes the new disk start the machine, for each firmware that the other one has a partition for. */
export function bootSteps(
  parts: readonly { number: number; type: string }[],
  { facts, old, candidate, mounted, espUuid, fstab }: Replacement,
): Step[] {
  const { disk } = candidate;
  const steps: Step[] = [];
  const esp = parts.find(({ type }) => type === ESP_TYPE);
  const mount = esp && espMountOf(fstab, espUuid, facts.disks, [disk, old]);
  if (esp && mount) {
    const device = partitionPath(disk.path, esp.number);
    const text = fstab.replace(`PARTUUID=${mount.uuid}`, `PARTUUID=${espUuid}`);
    const olds = (old?.children ?? []).flatMap(({ mountpoints }) => mountpoints);
    steps.push({
      name: 'boot-uefi',
      what: 'a boot loader for UEFI',
      when: 'always',
      actions: [
        ...mounted.map((place) => ({ argv: ['umount', place] })),
        // One that is dead may never answer.
        ...(olds.includes(mount.at) ? [{ argv: ['umount', '--lazy', mount.at] }] : []),
        { argv: ['mkfs.vfat', '-F', '32', '-n', 'EFI', device] },
        { file: { path: '/etc/fstab', text } },
        { argv: ['mount', '--mkdir', device, mount.at] },
        {
          argv: [
            ...['grub-install', '--target=x86_64-efi', '--recheck', `--efi-directory=${mount.at}`],
            ...['--removable', '--no-nvram'],
          ],
        },
      ],
    });
  }
  if (parts.some(({ type }) => type === BIOS_TYPE))
    steps.push({
      name: 'boot-bios',
      what: 'a boot loader for BIOS',
      when: 'always',
      actions: [{ argv: ['grub-install', '--target=i386-pc', '--recheck', disk.path] }],
    });
  return steps;
}

/** The line of fstab that was the old disk's, or is the new one's already. */
function espMountOf(
  fstab: string,
  espUuid: string,
  disks: readonly BlockDevice[],
  changing: readonly (BlockDevice | undefined)[],
): { uuid: string; at: string } | undefined {
  const there = new Set(
    disks
      .filter(({ path }) => !changing.some((one) => one?.path === path))
      .flatMap((one) => one.children ?? [])
      .map(({ partuuid }) => partuuid?.toLowerCase()),
  );
  const lines = [...fstab.matchAll(/^PARTUUID=(\S+)\s+(\S+)\s+vfat\b/gm)].map(([, uuid, at]) => ({
    uuid: uuid!,
    at: at!,
  }));
  return (
    lines.find(({ uuid }) => uuid === espUuid) ?? lines.find(({ uuid }) => !there.has(uuid.toLowerCase()))
  );
}
