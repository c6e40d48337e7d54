import { existsSync } from 'node:fs';
import { ProloError } from '../errors.ts';
import { OVMF_CODE } from './qemu.ts';

/** What the lab runs or reads, with the Debian package that has it. */
export const LAB_PROGRAMS: Record<string, string> = {
  ip: 'iproute2',
  'qemu-system-x86_64': 'qemu-system-x86',
  '/usr/lib/ipxe/qemu/efi-virtio.rom': 'ipxe-qemu',
  '/usr/lib/ipxe/undionly.kpxe': 'ipxe',
  [OVMF_CODE]: 'ovmf',
  'kea-dhcp4': 'kea-dhcp4-server',
  named: 'bind9',
  rndc: 'bind9',
  'named-checkzone': 'bind9-utils',
  dig: 'bind9-dnsutils',
  'in.tftpd': 'tftpd-hpa',
  dnsmasq: 'dnsmasq-base',
  busybox: 'busybox-static',
  depmod: 'kmod',
  setpriv: 'util-linux',
};

/** A program's path, looked for where root's programs are too; a path is itself when it is there. */
export function findProgram(program: string, path = process.env.PATH ?? ''): string | undefined {
  if (program.includes('/')) return existsSync(program) ? program : undefined;
  return [...path.split(':'), '/usr/sbin', '/sbin']
    .map((dir) => `${dir}/${program}`)
    .find((file) => existsSync(file));
}

/** Debian packages to install, each once. */
export function missingPackages(
  programs: Record<string, string>,
  find: (program: string) => string | undefined = findProgram,
): string[] {
  return [
    ...new Set(Object.entries(programs).flatMap(([program, name]) => (find(program) ? [] : [name]))),
  ].sort();
}

/** @throws ProloError when this is not root's process, or something is not installed. */
export function checkLabHost(
  uid = process.getuid?.(),
  find: (program: string) => string | undefined = findProgram,
): void {
  const missing = missingPackages(LAB_PROGRAMS, find);
  if (missing.length > 0)
    throw new ProloError('unavailable', `lab: not installed here: ${missing.join(', ')}`, {
      hint: `apt-get install --no-install-recommends ${missing.join(' ')}`,
    });
  if (uid !== 0)
    throw new ProloError('forbidden', 'lab: only root can make network namespaces', {
      hint: 'run it with sudo',
    });
}
