import { join } from 'node:path';
import { ProloError } from '../errors.ts';
import { packageRoot } from '../package-root.ts';
import type { Seat } from './lab.ts';

/** What a DHCP client says of itself, beside its MAC. */
export interface DhcpClient {
  /** `PXEClient:Arch:00007:UNDI:003016` */
  vendorClass?: string;
  /** `iPXE` */
  userClass?: string;
  /** Option 93: 0 BIOS, 7 UEFI. */
  architecture?: number;
}

/** What the server gave: udhcpc's names (`ip mask router dns hostname domain siaddr boot_file lease opt175` …). */
export type Lease = Partial<Record<string, string>>;

/** Asks for an address with a real client, and takes it. Undefined when no server offers any in time. */
export async function askForLease(seat: Seat, client: DhcpClient = {}): Promise<Lease | undefined> {
  const { exitCode, stdout, stderr } = await seat.run(udhcpcArgv(client), { timeoutMs: 60_000 });
  if (exitCode !== 0 && !/no lease/.test(stderr))
    throw new ProloError('failed', `seat ${seat.mac}: udhcpc: ${stderr.trim()}`);
  return exitCode === 0 ? parseEnv(stdout) : undefined;
}

export function udhcpcArgv(client: DhcpClient): string[] {
  const hex = (text: string): string => Buffer.from(text).toString('hex');
  return [
    // Its script prints its environment: the lease, and nothing of ours.
    ...['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
    ...['busybox', 'udhcpc', '-f', '-q', '-n', '-i', 'eth0', '-t', '5', '-T', '2', '-C'],
    ...['-s', join(packageRoot, 'templates/lab/show-lease')],
    ...['hostname', 'domain', 'dns', 'router', 'bootfile', '175'].flatMap((option) => ['-O', option]),
    ...(client.vendorClass ? ['-V', client.vendorClass] : []),
    ...(client.userClass ? ['-x', `77:${hex(client.userClass)}`] : []),
    ...(client.architecture === undefined
      ? []
      : ['-x', `93:${client.architecture.toString(16).padStart(4, '0')}`]),
  ];
}

function parseEnv(text: string): Lease {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf('=');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  );
}
