import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runOk } from '../../src/lib/exec.ts';
import { parseImageName } from '../../src/lib/hfs/image.ts';
import type { HomesSite } from '../../test/support/homes.ts';
import { connectNbd, type NbdAddress } from '../../test/support/nbd-client.ts';

export const MIB = 1024 ** 2;
export const GIB = 1024 ** 3;

/** Files that no compression makes smaller: of a home that is worth something, most are. */
export function writeRandomFiles(dir: string, bytes: number): void {
  mkdirSync(dir, { recursive: true });
  const part = Buffer.alloc(4 * MIB);
  for (let n = 0, left = bytes; left > 0; n++) {
    const fd = openSync(join(dir, `file${n}`), 'w');
    for (let room = 32 * MIB; room > 0 && left > 0; room -= part.length, left -= part.length)
      writeSync(fd, randomFillSync(part), 0, Math.min(part.length, left));
    closeSync(fd);
  }
}

/** Until a client has read from the export. */
export async function readOnce(address: NbdAddress): Promise<void> {
  const client = await connectNbd(address, 30_000);
  await client.read(1024, 4096);
  await client.close();
}

export async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

/** What was written before by anybody is on the disk, and no later sync waits for it. */
export async function settleDisk(): Promise<void> {
  await runOk(['sync'], { timeoutMs: 120_000 });
}

export interface PeerServer {
  port: number;
  address: NbdAddress;
  child: ChildProcess;
  stop(): Promise<void>;
}

/**
 * qemu-nbd with the cache mode of homes: writes go to the page cache, a flush to the disk.
 * @param shared the image is open elsewhere too; a lock would keep one of the two out
 */
export async function startQemuNbd(image: string, shared = false): Promise<PeerServer> {
  const port = await freePort();
  const options = [
    ...(shared ? [] : ['-f', 'raw']),
    '--cache=writeback',
    '--discard=unmap',
    '-b',
    '127.0.0.1',
    '-t',
    '-x',
    'peer',
  ];
  const unlocked = `driver=raw,file.driver=file,file.filename=${image},file.locking=off`;
  const file = shared ? ['--image-opts', unlocked] : [image];
  const child = spawn('qemu-nbd', [...options, '-p', String(port), ...file], { stdio: 'ignore' });
  await untilListening(port, child);
  return {
    port,
    child,
    address: { host: '127.0.0.1', port, export: 'peer' },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Looks at the kernel's table: a connection would be the one that such a server serves. */
export async function untilListening(port: number, child: ChildProcess): Promise<void> {
  const wanted = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; await sleep(1)) {
    if (readFileSync('/proc/net/tcp', 'latin1').includes(wanted)) return;
    if (child.exitCode !== null) throw new Error(`nobody listens on ${port}: exit ${child.exitCode}`);
  }
  throw new Error(`nobody listens on ${port}`);
}

/** The end of a program of the bench. @throws Error unless it is a good one */
export async function ended(child: ChildProcess, name: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`${name}: exit ${child.exitCode ?? child.signalCode}`);
}

/** Until hfsdb's row says that the home is here, and its move is over. */
export async function untilOwner(homes: HomesSite, login: string, hfs: number): Promise<void> {
  for (const deadline = performance.now() + 120_000; performance.now() < deadline; await sleep(3)) {
    const row = await homes.row(login);
    if (row?.hfs === hfs && row.state === 'here') return;
  }
  throw new Error(`home ${login}: not moved to hfs ${hfs} in two minutes`);
}

/** Images that nobody needs any more would fill the disk in the course of many moves. */
export async function removeOldImages(homes: HomesSite, login: string): Promise<void> {
  const row = await homes.row(login);
  for (const hfs of [0, 1]) {
    const dir = dirname(homes.image(hfs, login, 1));
    for (const name of readdirSync(dir)) {
      const image = parseImageName(name);
      if (image?.login === login && !(hfs === row?.hfs && image.epoch === row.epoch)) rmSync(join(dir, name));
    }
  }
}

/** Proportional set size in MiB: what is shared with others is counted in part. */
export function pssMib(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    return sum + Number(/^Pss:\s+(\d+) kB/m.exec(text)![1]) / 1024;
  }, 0);
}
