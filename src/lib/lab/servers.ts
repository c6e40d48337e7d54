import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package-root.ts';
import type { Site } from '../site/site.ts';
import type { Lab } from './lab.ts';
import { findProgram } from './packages.ts';

/** What each server is started with; the site's own daemons wrote the files. */
export function serverArgv(lab: Pick<Lab, 'dir' | 'network'>, site: Site) {
  const { network } = lab;
  const { dns, dhcp } = site.config;
  return {
    prolo: [process.execPath, join(packageRoot, 'bin/run.js'), 'up', '--config', site.file],
    named: [...unconfined(), 'named', '-g', '-c', site.statePath(dns.dir, 'named.conf')],
    kea: [...unconfined(), 'kea-dhcp4', '-c', site.statePath(dhcp.dir, 'kea-dhcp4.conf')],
    tftpd: ['in.tftpd', '-L', '--secure', '--address', '0.0.0.0:69', join(lab.dir, 'tftp')],
    // Router advertisements and nothing else.
    dnsmasq: [
      ...['dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--enable-ra', '--bind-interfaces'],
      ...[`--dhcp-range=${network.ipv6Prefix},ra-only,64`, `--interface=${network.bridge}`, '--leasefile-ro'],
      ...['--user=root', '--pid-file=', '--log-facility=-'],
    ],
  };
}

/** AppArmor lets Debian's named and Kea read their own folders only, and the lab's are elsewhere. */
function unconfined(): string[] {
  const on = existsSync('/sys/kernel/security/apparmor/profiles') && findProgram('aa-exec');
  return on ? ['aa-exec', '-p', 'unconfined', '--'] : [];
}

/** Starts the site's daemons and the real servers that they feed; resolves when all of them answer. */
export async function startServers(lab: Lab, site: Site, waitMs = 60_000): Promise<void> {
  const argv = serverArgv(lab, site);
  const { dns, dhcp } = site.config;
  const log = (name: string): string => readFileSync(join(lab.dir, `${name}.log`), 'utf8');
  const listens = async (kind: 't' | 'u', port: number): Promise<boolean> =>
    (await lab.run(['ss', `-Hln${kind}`, 'sport', '=', `:${port}`])).stdout !== '';

  const tftp = join(lab.dir, 'tftp');
  mkdirSync(tftp);
  for (const file of [dhcp.biosFile, dhcp.uefiFile])
    copyFileSync(join('/usr/lib/ipxe', file), join(tftp, file));

  await lab.start('prolo', argv.prolo);
  await lab.start('tftpd', argv.tftpd);
  await lab.start('dnsmasq', argv.dnsmasq);
  await lab.until('prolo up', () => /^ready$/m.test(log('prolo')), waitMs);
  const files = [site.statePath(dns.dir, 'named.conf'), site.statePath(dhcp.dir, 'kea-dhcp4.conf')];
  await lab.until(files.join(' and '), () => files.every((file) => existsSync(file)), waitMs);
  await lab.start('named', argv.named);
  await lab.start('kea', argv.kea, { env: { KEA_PIDFILE_DIR: lab.dir, KEA_LOCKFILE_DIR: lab.dir } });
  await lab.until('named', () => / running$/m.test(log('named')), waitMs);
  await lab.until('kea-dhcp4', () => /DHCP4_STARTED/.test(log('kea')), waitMs);
  await lab.until('in.tftpd', () => listens('u', 69), waitMs);
}
