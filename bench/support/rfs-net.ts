import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NETNS_PREFIX } from '../../src/lib/lab/network.ts';

export const LINK_BITS = 1e9;

/** A gateway and servers, each server on a link of its own. Nothing of it reaches this machine's network. */
export interface Star {
  gateway: string;
  servers: { netns: string; ip: string; gatewayIp: string }[];
  /** An argv that runs inside of a namespace. */
  inside(netns: string, argv: readonly string[]): string[];
  close(): void;
}

let count = 0;

/** Every link takes 1 Gbit/s in each direction, by the kernel's token bucket, and no more. */
export function makeStar(servers: number): Star {
  const prefix = `${NETNS_PREFIX}${process.pid}-s${++count}`;
  const gateway = `${prefix}g`;
  const made: string[] = [];
  const ip = (...args: string[]): void => void execFileSync('ip', args);
  const add = (netns: string): void => {
    ip('netns', 'add', netns);
    made.push(netns);
    ip('-n', netns, 'link', 'set', 'lo', 'up');
  };
  const close = (): void => {
    for (const netns of made.splice(0)) ip('netns', 'del', netns);
  };
  try {
    add(gateway);
    const list = Array.from({ length: servers }, (_, i) => {
      const n = i + 1;
      const netns = `${prefix}-${n}`;
      add(netns);
      ip('-n', gateway, 'link', 'add', `rfs${n}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns);
      for (const [where, device, address] of [
        [gateway, `rfs${n}`, `10.99.${n}.1/24`],
        [netns, 'eth0', `10.99.${n}.2/24`],
      ] as const) {
        ip('-n', where, 'addr', 'add', address, 'dev', device);
        ip('-n', where, 'link', 'set', device, 'up');
        shape(where, device);
      }
      ip('-n', netns, 'route', 'add', 'default', 'via', `10.99.${n}.1`);
      return { netns, ip: `10.99.${n}.2`, gatewayIp: `10.99.${n}.1` };
    });
    return { gateway, servers: list, inside, close };
  } catch (error) {
    close();
    throw error;
  }
}

export function inside(netns: string, argv: readonly string[]): string[] {
  return ['ip', 'netns', 'exec', netns, ...argv];
}

/** A port of a gigabit switch: a token bucket, with as much memory as such a port has. */
function shape(netns: string, device: string): void {
  execFileSync('tc', [
    ...['-n', netns, 'qdisc', 'add', 'dev', device, 'root', 'tbf'],
    ...['rate', `${LINK_BITS}bit`, 'burst', '128kb', 'limit', '2mb'],
  ]);
}

/** Bytes that a device has sent and taken, headers included. */
export function trafficOf(netns: string, device: string): { sent: number; taken: number } {
  const [link] = JSON.parse(
    execFileSync('ip', ['-n', netns, '-s', '-j', 'link', 'show', device], { encoding: 'utf8' }),
  ) as { stats64: { rx: { bytes: number }; tx: { bytes: number } } }[];
  return { sent: link!.stats64.tx.bytes, taken: link!.stats64.rx.bytes };
}

/** A program that runs until it is stopped; it ends with this process. */
export interface Served {
  child: ChildProcess;
  stop(): Promise<void>;
}

export async function serve(
  netns: string,
  argv: readonly string[],
  isReady: () => boolean,
  env: Record<string, string> = {},
): Promise<Served> {
  const [program, ...args] = ['setpriv', '--pdeathsig', 'KILL', '--', ...inside(netns, argv)];
  const child = spawn(program!, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  let words = '';
  child.stderr!.on('data', (part: Buffer) => (words = `${words}${part.toString()}`.slice(-2000)));
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(late);
  };
  for (let tries = 0; !isReady(); tries++) {
    if (child.exitCode !== null || tries > 600) {
      await stop();
      throw new Error(`${argv.join(' ')}: does not start: ${words}`);
    }
    await sleep(50);
  }
  return { child, stop };
}

export interface SshServers {
  identity: string;
  port: number;
  stop(): Promise<void>;
}

/** A real sshd on each server, which sees its own folder in place of `dir`. */
export async function startSshServers(
  star: Star,
  work: string,
  own: (n: number) => Record<string, string>,
): Promise<SshServers> {
  mkdirSync(work, { recursive: true });
  const file = (name: string): string => join(work, name);
  for (const name of ['host', 'identity'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file(name)]);
  mkdirSync('/run/sshd', { recursive: true });
  const served: Served[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(served.map((one) => one.stop()));
  };
  try {
    for (const [i, { netns, ip }] of star.servers.entries()) {
      const log = file(`log${i}`);
      writeFileSync(
        file(`config${i}`),
        [
          'Port 22',
          `ListenAddress ${ip}`,
          `HostKey ${file('host')}`,
          `AuthorizedKeysFile ${file('identity.pub')}`,
          `PidFile ${file(`pid${i}`)}`,
          'UsePAM no',
          'StrictModes no',
          'PermitRootLogin yes',
          'UseDNS no',
          '',
        ].join('\n'),
      );
      const mounts = Object.entries(own(i)).flatMap(([place, folder]) => {
        mkdirSync(folder, { recursive: true });
        return [`mount --bind "${folder}" "${place}"`];
      });
      const sshd = ['/usr/sbin/sshd', '-D', '-f', file(`config${i}`), '-E', log];
      const argv = ['unshare', '-m', 'sh', '-c', [...mounts, 'exec "$@"'].join(' && '), 'sh', ...sshd];
      served.push(
        await serve(netns, argv, () => existsSync(log) && readFileSync(log, 'utf8').includes('listening')),
      );
    }
    return { identity: file('identity'), port: 22, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
