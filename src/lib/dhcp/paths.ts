import { chmod, mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ProloError } from '../errors.ts';
import type { Site } from '../site/site.ts';

export interface DhcpPaths {
  /** The folder of everything below. */
  dir: string;
  /** Names of the files in it that mdbdhcp writes. */
  names: { kea: string; isc: string; iscHosts: string };
  /** The server's configuration: what `kea-dhcp4 -c` or `dhcpd -cf` is given. */
  config: string;
  /** Kea's control socket. */
  socket: string;
  leases: string;
}

/** A unix socket's path, less the NUL at its end. */
const MAX_SOCKET_PATH = 107;

/** Where the DHCP server's files are. */
export function dhcpPaths(site: Site): DhcpPaths {
  const { server, dir: folder, socket: socketName, leaseFile } = site.config.dhcp;
  const dir = resolve(site.statePath(), folder);
  const names = { kea: 'kea-dhcp4.conf', isc: 'dhcpd.conf', iscHosts: 'dhcpd-hosts.conf' };
  const socket = resolve(dir, socketName);
  return { dir, names, config: resolve(dir, names[server]), socket, leases: resolve(dir, leaseFile) };
}

/**
 * What the environment of Kea's programs has to say, so that those that know no other folders than their own (2.4.2, 2.6.3
 * and newer) accept these.
 */
export function keaEnvironment({ socket, leases }: DhcpPaths): Record<string, string> {
  const [run, data] = [dirname(socket), dirname(leases)];
  return {
    KEA_CONTROL_SOCKET_DIR: run,
    KEA_PIDFILE_DIR: run,
    KEA_LOCKFILE_DIR: run,
    KEA_LOG_FILE_DIR: run,
    KEA_DHCP_DATA_DIR: data,
  };
}

/**
 * Makes the folders that Kea writes to, where they are below ours; newer Keas accept no other mode.
 * @throws ProloError `config` for a socket path that the kernel would refuse
 */
export async function makeKeaFolders({ dir, socket, leases }: DhcpPaths): Promise<void> {
  if (Buffer.byteLength(socket) > MAX_SOCKET_PATH)
    throw new ProloError('config', `dhcp.socket: ${socket} is too long for a socket`, {
      hint: `set dhcp.socket to a path of at most ${MAX_SOCKET_PATH} bytes, such as /run/kea/prolo.sock`,
    });
  for (const folder of new Set([dirname(socket), dirname(leases)])) {
    if (!folder.startsWith(`${dir}/`)) continue;
    const made = await mkdir(folder, { recursive: true });
    if (made) await chmod(folder, 0o750); // the umask does not decide
  }
}
