import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, type RunResult } from '../../src/lib/exec.ts';
import type { Lab, Seat } from '../../src/lib/lab/lab.ts';
import type { Running } from '../../src/lib/lab/process.ts';
import type { MachineRecord } from '../../src/lib/mdb/record.ts';
import { proloBin } from './cli.ts';
import { STEP_MS } from './lab.ts';

export const seatPackages = {
  '/usr/sbin/sshd': 'openssh-server',
  'ssh-keygen': 'openssh-client',
  busybox: 'busybox-static',
  ethtool: 'ethtool',
};

/** A machine of MDB in a namespace of its own, with an sshd that lets root in, and prolo; its /run and block devices are its own. */
export interface SshSeat {
  seat: Seat;
  /** Runs a program as that machine's own: with its mounts. */
  inside(...argv: string[]): Promise<RunResult>;
  sshd: Running;
  /** Starts its sshd anew, with mounts of its own as at first. */
  again(): Promise<SshSeat>;
}

/** Keys of the gateway and of all machines. @returns the private key that the machines let in */
export function makeKeys(dir: string): string {
  for (const name of ['host', 'identity'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(dir, name)]);
  return join(dir, 'identity');
}

/** @param dir where `makeKeys` left keys. @param nameserver of its resolv.conf */
export async function plugSshSeat(
  lab: Lab,
  dir: string,
  machine: MachineRecord,
  { nameserver, domain }: { nameserver: string; domain: string },
): Promise<SshSeat> {
  const seat = await lab.plugSeat(machine.mac);
  const own = join(dir, machine.hostname);
  mkdirSync(own);
  const bin = join(own, 'prolo');
  writeFileSync(bin, `#!/bin/sh\nexec ${process.execPath} ${proloBin} "$@"\n`);
  chmodSync(bin, 0o755);
  // `ip netns exec` shows what is below this folder as files of /etc; the lab takes it away.
  mkdirSync(join('/etc/netns', seat.netns), { recursive: true });
  const resolv = join('/etc/netns', seat.netns, 'resolv.conf');
  writeFileSync(resolv, `nameserver ${nameserver}\nsearch ${domain}\n`);
  writeFileSync(join(own, 'authorized_keys'), readFileSync(join(dir, 'identity.pub')));
  writeFileSync(
    join(own, 'sshd_config'),
    [
      `ListenAddress ${machine.ip}:22`,
      `HostKey ${join(dir, 'host')}`,
      `AuthorizedKeysFile ${join(own, 'authorized_keys')}`,
      `SetEnv PATH=${own}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=${own}`,
      'PidFile none',
      'UsePAM no',
      'StrictModes no',
      'PermitRootLogin yes',
      'UseDNS no',
      '',
    ].join('\n'),
  );
  for (const argv of [
    ['address', 'add', `${machine.ip}/23`, 'dev', 'eth0'],
    ['route', 'add', 'default', 'via', nameserver],
  ])
    await seat.run(['ip', ...argv]);
  const boot = [
    'mount -t tmpfs run /run',
    'mkdir -p /run/sshd /run/prolo',
    'mount -t tmpfs block /sys/block',
    'mkdir /sys/block/nbd0',
    `exec /usr/sbin/sshd -D -f ${join(own, 'sshd_config')} -E ${join(own, 'log')}`,
  ];
  const listens = async (): Promise<boolean> =>
    (await seat.run(['ss', '-Hlnt', 'sport', '=', ':22'])).stdout !== '';
  const again = async (): Promise<SshSeat> => {
    const sshd = await seat.start(`sshd-${machine.hostname}`, ['sh', '-ec', boot.join('\n')]);
    await lab.until(`sshd of ${machine.hostname}`, listens, STEP_MS);
    const enter = ['nsenter', '-t', String(sshd.pid), '-m', '-n', '--'];
    return { seat, sshd, again, inside: (...argv) => run([...enter, ...argv], { timeoutMs: STEP_MS }) };
  };
  return again();
}
