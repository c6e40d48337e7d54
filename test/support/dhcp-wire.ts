import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askKea } from '../../src/lib/dhcp/kea-control.ts';
import { type DhcpPaths, keaEnvironment } from '../../src/lib/dhcp/paths.ts';
import { findProgram } from './needs.ts';

/** Two namespaces and a wire between them: the gateway's NIC `gw0` with all of SADM's addresses, and a seat's `pc0`. */
export interface DhcpWire {
  gateway: string;
  seat: string;
  remove(): void;
}

let wires = 0;

export function makeDhcpWire(): DhcpWire {
  const name = `prolo-dhcp-${process.pid}-${++wires}`;
  const [gateway, seat] = [`${name}-gw`, `${name}-pc`];
  const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });
  const remove = (): void => {
    for (const netns of [gateway, seat])
      try {
        ip('netns', 'del', netns);
      } catch {
        // it was not made
      }
  };
  try {
    ip('netns', 'add', gateway);
    ip('netns', 'add', seat);
    ip('-n', gateway, 'link', 'add', 'gw0', 'type', 'veth', 'peer', 'name', 'pc0', 'netns', seat);
    // The first address is none of ours, as on a gateway whose uplink shares the NIC.
    for (const address of ['10.9.9.9/8', '192.168.1.254/23', '192.168.250.254/24'])
      ip('-n', gateway, 'addr', 'add', address, 'dev', 'gw0');
    for (const [netns, nic] of [
      [gateway, 'lo'],
      [gateway, 'gw0'],
      [seat, 'lo'],
      [seat, 'pc0'],
    ] as const)
      ip('-n', netns, 'link', 'set', nic, 'up');
  } catch (error) {
    remove();
    throw error;
  }
  return { gateway, seat, remove };
}

/** A real Kea inside a namespace, with the configuration that mdbdhcp writes. */
export interface RunningKea {
  log(): string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export async function startKea(netns: string, paths: DhcpPaths): Promise<RunningKea> {
  const logFile = join(paths.dir, 'kea.log');
  const out = openSync(logFile, 'a');
  const child = spawn('ip', ['netns', 'exec', netns, ...unconfined(), 'kea-dhcp4', '-c', paths.config], {
    stdio: ['ignore', out, out],
    env: { ...process.env, ...keaEnvironment(paths) },
  });
  closeSync(out);
  const log = (): string => readFileSync(logFile, 'utf8');
  for (let i = 0; !(await isUp(paths.socket)); i++) {
    if (i === 100 || child.exitCode !== null) throw new Error(`kea did not start:\n${log().slice(-2000)}`);
    await sleep(100);
  }
  return { log, stop: (signal = 'SIGTERM') => stopChild(child, signal) };
}

/** AppArmor lets Debian's Kea and dhcpd read their own folders only. */
export function unconfined(): string[] {
  const on = existsSync('/sys/kernel/security/apparmor/profiles') && findProgram('aa-exec');
  return on ? ['aa-exec', '-p', 'unconfined', '--'] : [];
}

function isUp(socket: string): Promise<boolean> {
  return askKea(socket, 'version-get').then(
    () => true,
    () => false,
  );
}

/** Resolves when the process is gone. */
async function stopChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  child.kill(signal);
  await gone;
  clearTimeout(timer);
}
