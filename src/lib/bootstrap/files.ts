import { renderTemplate } from '../template.ts';
import type { BootstrapOptions, Ids } from './options.ts';

/** A file of the new system. */
export interface SystemFile {
  path: string;
  text: string;
  mode?: number;
}

/** The name of the array: /dev/md/system. */
export const ARRAY = 'system';

/** Where the EFI system partition of the disk with this index is mounted. */
export const espMount = (index: number): string => `/boot/efi${index === 0 ? '' : index + 1}`;

/** What makes a freshly unpacked system this server. */
export function systemFiles(options: BootstrapOptions, ids: Ids): SystemFile[] {
  const { host, distribution, volumes, swapMib, keys, network, serial } = options;
  const isArch = distribution === 'arch';
  const render = (name: string, data: object): string => renderTemplate(`bootstrap/${name}`, data);
  const esps = ids.esps.map((uuid, index) => ({ uuid, mount: espMount(index) }));
  return [
    { path: '/etc/fstab', text: render('fstab', { vg: host, volumes, swap: swapMib !== undefined, esps }) },
    {
      path: isArch ? '/etc/mdadm.conf' : '/etc/mdadm/mdadm.conf',
      text: render('mdadm.conf', { host, array: ARRAY, uuid: ids.array }),
    },
    { path: '/etc/hostname', text: `${host}\n` },
    { path: '/etc/hosts', text: render('hosts', { host }) },
    { path: '/etc/machine-id', text: '' }, // systemd makes one at the first start
    { path: '/etc/systemd/network/90-prolo-bootstrap.network', text: render('network', network) },
    {
      path: '/etc/default/grub',
      text: render('grub', {
        distributor: isArch ? 'Arch' : 'Debian',
        kernelArguments: serial ? `console=tty0 console=${serial},115200` : '',
        serialUnit: serial?.slice('ttyS'.length),
      }),
    },
    ...(keys.length > 0
      ? [{ path: '/root/.ssh/authorized_keys', text: `${keys.join('\n')}\n`, mode: 0o600 }]
      : []),
    ...(isArch
      ? [
          { path: '/etc/locale.conf', text: 'LANG=C.UTF-8\n' },
          { path: '/etc/mkinitcpio.conf.d/prolo.conf', text: render('mkinitcpio.conf', {}) },
        ]
      : []),
    ...(isArch && options.sources.length > 0
      ? [{ path: '/etc/pacman.d/mirrorlist', text: `${options.sources.join('\n')}\n` }]
      : []),
  ];
}
