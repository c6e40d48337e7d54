import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CpioEntry } from '../cpio.ts';
import { ProloError } from '../errors.ts';
import type { RunResult } from '../exec.ts';
import type { KernelTree } from '../kernel-tree.ts';
import { buildGuestInitramfs } from './initramfs.ts';
import type { Lab, Pc } from './lab.ts';
import { findProgram } from './packages.ts';

/** A virtual PC with a whole userland, in which one can run programs. */
export interface Guest extends Pc {
  /** Runs a shell script as root to its end; several may run at once. @throws ProloError when it takes too long, or the guest is off */
  run(script: string, timeoutMs?: number): Promise<RunResult>;
  /** Like `run`; an exit status other than 0 is an error that quotes its last words. @returns its standard output */
  ok(script: string, timeoutMs?: number): Promise<string>;
}

export interface GuestSpec {
  name: string;
  mac: string;
  tree: KernelTree;
  /** Its root filesystem: what `buildGuestRoot` made. */
  root: string;
  /** Files over it, `etc/prolo/prolo.yml`. */
  files: readonly CpioEntry[];
  /** Programs that run from its start on, by the name of their log in /var/log. */
  services?: Record<string, string>;
  limitSeconds?: number;
  memoryMib?: number;
}

/** Starts it; resolves when it has an address, and its services are started. */
export async function plugGuest(lab: Lab, spec: GuestSpec, waitMs = 90_000): Promise<Guest> {
  const { name, mac, tree, root, services = {} } = spec;
  const initrd = join(lab.dir, `${name}.initrd`);
  const channel = join(lab.dir, `${name}.channel`);
  const lines = Object.entries(services).map(([service, command]) => `${service} ${command}\n`);
  const files = [...spec.files, { path: 'etc/lab/services', data: lines.join('') }];
  writeFileSync(initrd, buildGuestInitramfs(tree, findProgram('busybox')!, files), { mode: 0o600 });
  const pc = await lab.plugPc({
    name,
    mac,
    limitSeconds: spec.limitSeconds ?? 900,
    memoryMib: spec.memoryMib ?? 1024,
    direct: {
      kernel: tree.vmlinuz,
      initrd,
      arguments: 'quiet console=ttyS0 panic=-1 net.ifnames=0 mitigations=off',
      disk: root,
      channel,
    },
  });
  const agent = await connectAgent(pc, channel, waitMs);
  await pc.console.waitFor(/^LAB OK up/m, waitMs);
  return {
    ...pc,
    run: (script, timeoutMs = 60_000) => agent.run(script, timeoutMs),
    async ok(script, timeoutMs = 60_000) {
      const { exitCode, stdout, stderr } = await agent.run(script, timeoutMs);
      if (exitCode === 0) return stdout;
      const words = (stderr.trim() || stdout.trim()).split('\n').slice(-5).join('\n');
      throw new ProloError('failed', `guest ${name}: ${script}: exit status ${exitCode}: ${words}`);
    },
    async stop() {
      agent.close();
      await pc.stop();
    },
  };
}

export interface Agent {
  run(script: string, timeoutMs: number): Promise<RunResult>;
  close(): void;
}

/** See templates/lab/guest-agent. */
export async function connectAgent(
  pc: Pick<Pc, 'name' | 'console'>,
  path: string,
  waitMs: number,
): Promise<Agent> {
  const socket = await connectSocket(path, 10_000);
  const pending = new Map<number, (result: RunResult | undefined) => void>();
  let last = 0;
  let rest = '';
  let begin = (): void => undefined;
  const ready = new Promise<void>((resolve) => (begin = resolve));
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const [number, status, out = '', err = ''] = line.split(' ');
      if (number === 'ready') begin();
      else
        pending.get(Number(number))?.({ exitCode: Number(status), stdout: decode(out), stderr: decode(err) });
    }
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => pending.forEach((settle) => settle(undefined)));
  await within(
    ready,
    waitMs,
    () => `guest ${pc.name}: it does not start:\n${pc.console.text().slice(-2000)}`,
  );
  return {
    close: () => socket.destroy(),
    async run(script, timeoutMs) {
      const number = ++last;
      const answer = new Promise<RunResult | undefined>((resolve) => {
        pending.set(number, resolve);
        if (socket.destroyed) resolve(undefined);
        else socket.write(`${number} ${Buffer.from(script).toString('base64')}\n`);
      });
      try {
        const result = await within(
          answer,
          timeoutMs,
          () => `guest ${pc.name}: ${script}: not in ${timeoutMs / 1000} s`,
        );
        if (result) return result;
        throw new ProloError('unavailable', `guest ${pc.name}: ${script}: it is off`);
      } finally {
        pending.delete(number);
      }
    },
  };
}

async function connectSocket(path: string, waitMs: number): Promise<Socket> {
  for (const deadline = Date.now() + waitMs; ; await sleep(20)) {
    const socket = connect(path);
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    if (connected) return socket;
    if (Date.now() > deadline)
      throw new ProloError('unavailable', `guest: its channel ${path} does not open`);
  }
}

async function within<T>(promise: Promise<T>, ms: number, message: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ProloError('failed', message())), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
