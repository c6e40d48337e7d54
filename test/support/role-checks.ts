import { execFileSync } from 'node:child_process';
import type { Booted, Wire } from './booted.ts';

/** Units that do not run in a container, or not on a wire with this host alone, and why. */
const EXCUSED: Readonly<Record<string, string>> = {
  'systemd-journal-upload.service':
    'the host that collects journals is not on this wire; it tries again for ever',
  'console-getty.service': 'nobody is at the console of a container without a terminal',
  'nfs-server.service': 'the kernel that containers share serves no NFS',
  'nfs-mountd.service': 'the same',
  'nfs-idmapd.service': 'the same',
  'nfsdcld.service': 'the same',
  'rpc-statd.service': 'the same',
  'rpc-statd-notify.service': 'the same',
  'rpc-pipefs.target': 'the same',
  'nfs-blkmap.service': 'the same',
  'proc-fs-nfsd.mount': 'the same',
  'run-rpc_pipefs.mount': 'the same',
  'chrony.service': 'a container may not set the clock, so systemd passes its start over',
};

/** Waits until the gateway's daemons have written what its name server and its DHCP server wait for. */
export async function mustWriteServers(gw: Booted): Promise<void> {
  const files = ['dns/named.conf', 'dhcp/kea-dhcp4.conf'].map((file) => `/etc/prolo/state/${file}`);
  await gw.until((sizes) => sizes.split('\n').filter(Boolean).length === files.length, 'ls', ...files);
  await gw.until(
    (said) => said.startsWith('version: '),
    'rndc',
    '-c',
    '/etc/prolo/state/dns/rndc.conf',
    'status',
  );
}

/** Waits until every service has started, or never will. @returns those that should run and do not */
export async function missingUnits(host: Booted, units: readonly string[]): Promise<string[]> {
  const wanted = units.filter((unit) => !(unit in EXCUSED));
  const stateOf = (text: string): string[] =>
    text
      .split('\n')
      .filter((_, i) => i < wanted.length)
      .flatMap((state, i) => (state === 'active' ? [] : [`${wanted[i]}: ${state}`]));
  let last = wanted.map((unit) => `${unit}: nothing is known`);
  await host
    .until((text) => (last = stateOf(text)).length === 0, 'systemctl', 'is-active', ...wanted)
    .catch(() => undefined);
  return last;
}

/** Services that have failed, or fail again and again. */
export async function failedUnits(host: Booted): Promise<string[]> {
  const list = ['systemctl', 'list-units', '--all', '--plain', '--no-legend'];
  const text = await host.ask(...list, '--state=failed,auto-restart');
  return text
    .split('\n')
    .map((line) => line.split(/\s+/)[0]!)
    .filter((unit) => unit !== '' && !(unit in EXCUSED));
}

/** What the programs that read a host's configurations say against them. */
export async function refusals(host: Booted, checks: readonly string[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const check of checks) {
    const { status, stdout, stderr } = await host.run('sh', '-c', check);
    if (status !== 0) wrong.push(`${check}: status ${status}: ${(stderr || stdout).trim()}`);
  }
  return wrong;
}

/** systemd's own words about units of prolo in a folder, and those about programs that are not there. */
export const verifyUnits = (folder: string): string =>
  [
    `cd ${folder}`,
    // A template has to be somebody.
    'units=$(ls prolo* | sed s/@.service/@0.service/)',
    'said=$(systemd-analyze verify --man=no --recursive-errors=no $units 2>&1) || { echo "$said"; exit 1; }',
    `! echo "$said" | grep -E "${folder}/|not executable|Unknown"`,
  ].join('; ');
export const VERIFY_UNITS = verifyUnits('/etc/systemd/system');

export const SSHD_TEST = 'mkdir -p /run/sshd && /usr/sbin/sshd -t';

/** Runs a program of this machine at another end of the wire. */
export const onWire = ({ namespace }: Wire, argv: readonly string[], encoding: 'utf8' | 'latin1' = 'utf8') =>
  execFileSync('nsenter', [`--net=/run/netns/${namespace}`, ...argv], {
    encoding,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
  });
