import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { copyProlo } from '../../src/lib/bootstrap/copy-prolo.ts';
import { run, runOk, type RunResult } from '../../src/lib/exec.ts';
import { findKernel } from '../../src/lib/kernel-tree.ts';
import { type Console, createConsole } from '../../src/lib/lab/console.ts';
import { connectAgent } from '../../src/lib/lab/guest.ts';
import { buildGuestInitramfs } from '../../src/lib/lab/initramfs.ts';
import { kernelDir } from '../../src/lib/lab/kernel.ts';
import { startProcess } from '../../src/lib/lab/process.ts';
import { OVMF_CODE, OVMF_VARS } from '../../src/lib/lab/qemu.ts';
import { packageRoot } from '../../src/lib/package-root.ts';
import { prolo } from './cli.ts';
import { findProgram } from './needs.ts';

/** A disk of a guest: a sparse file, and the serial number that the guest reads. */
export interface Drive {
  file: string;
  serial: string;
  readOnly?: boolean;
}

/** A virtual server with disks and no network but a door to its sshd. */
export interface Server {
  console: Console;
  /** Settles when it has powered off. */
  off: Promise<string>;
  stop(): Promise<void>;
}

const DEBIAN = ['--kernel', 'linux-image-cloud-amd64'];
const LIMIT_SECONDS = 1800;

/** What is emulated makes and reads a large initramfs for minutes: here it has what such a machine needs. */
const SMALL_INITRAMFS = {
  'etc/initramfs-tools/conf.d/lab': 'MODULES=list\nCOMPRESS=zstd\nCOMPRESSLEVEL=1\n',
  'etc/initramfs-tools/modules': 'virtio_pci\nvirtio_blk\n',
};

/** Made by the command itself, once for all runs; it is made anew when what it is made of changes. */
export async function serverBase(): Promise<string> {
  const make = ['bootstrap', '--make-base'];
  const { stdout } = await prolo([...make, 'base.tar', ...DEBIAN, '--dry-run']);
  const hash = createHash('sha256').update(stdout + JSON.stringify(SMALL_INITRAMFS));
  const file = join(dirname(kernelDir()), `server-${hash.digest('hex').slice(0, 12)}.tar`);
  if (existsSync(file)) return file;
  const work = mkdtempSync(`${file}.`);
  try {
    const half = join(work, 'base.tar');
    const made = await prolo([...make, half, ...DEBIAN], { timeoutMs: 600_000 });
    if (made.status !== 0) throw new Error(made.stderr);
    for (const [path, text] of Object.entries(SMALL_INITRAMFS)) {
      mkdirSync(dirname(join(work, path)), { recursive: true });
      writeFileSync(join(work, path), text);
      await runOk(['tar', '--append', '--file', half, '--directory', work, `./${path}`]);
    }
    renameSync(half, file);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return file;
}

export async function makeDrive(dir: string, name: string, size: string): Promise<Drive> {
  const file = join(dir, `${name}.img`);
  await runOk(['truncate', '-s', size, file]);
  return { file, serial: name };
}

/** A live system of the same packages, with prolo in it. */
export async function buildLive(dir: string, base: string) {
  const tree = join(dir, 'live');
  mkdirSync(tree);
  try {
    await runOk(['tar', '-x', '--exclude=./dev/*', '-f', base, '-C', tree], { timeoutMs: 120_000 });
    const kernel = findKernel(tree)!;
    await copyProlo(tree);
    const own = join(tree, 'usr/lib/prolo-lab');
    mkdirSync(own);
    for (const name of ['guest-boot', 'guest-agent']) {
      copyFileSync(join(packageRoot, 'templates/lab', name), join(own, name));
      chmodSync(join(own, name), 0o755);
    }
    const services = { path: 'etc/lab/services', data: 'udevd /usr/lib/systemd/systemd-udevd\n' };
    const initrd = join(dir, 'live.initrd');
    writeFileSync(initrd, buildGuestInitramfs(kernel, findProgram('busybox')!, [services]));
    const vmlinuz = join(dir, 'live.vmlinuz');
    copyFileSync(kernel.vmlinuz, vmlinuz);
    const image = join(dir, 'live.squashfs');
    const plain = ['-noI', '-noD', '-noF', '-noX', '-no-xattrs', '-quiet', '-no-progress'];
    await runOk(['mksquashfs', tree, image, ...plain], { timeoutMs: 120_000 });
    return { initrd, vmlinuz, drive: { file: image, serial: 'live', readOnly: true } };
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}
export type Live = Awaited<ReturnType<typeof buildLive>>;

/** Starts the live system; what it is told runs as root. */
export async function startLive(dir: string, live: Live, drives: readonly Drive[], waitMs: number) {
  const channel = join(dir, 'live.channel');
  const server = await startQemu(
    dir,
    'live',
    [live.drive, ...drives],
    [
      ...['-machine', 'pc', '-kernel', live.vmlinuz, '-initrd', live.initrd],
      ...['-append', 'quiet console=ttyS0 panic=-1 mitigations=off net.ifnames=0'],
      ...['-chardev', `socket,id=lab,path=${channel},server=on,wait=off`],
      ...['-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=lab,name=lab'],
    ],
  );
  try {
    const agent = await connectAgent({ name: 'live', console: server.console }, channel, waitMs);
    return {
      ...server,
      run: (script: string, timeoutMs = 60_000): Promise<RunResult> => agent.run(script, timeoutMs),
      async ok(script: string, timeoutMs = 60_000): Promise<string> {
        const { exitCode, stdout, stderr } = await agent.run(script, timeoutMs);
        if (exitCode !== 0) throw new Error(`${script}: exit status ${exitCode}: ${stderr}${stdout}`);
        return stdout;
      },
      async stop() {
        agent.close();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Starts a server from its own disks; `ssh` runs what it is told as root there. */
export async function startServer(
  dir: string,
  firmware: 'bios' | 'uefi',
  drives: readonly Drive[],
  identity: string,
) {
  const port = await freePort();
  const vars = join(dir, 'vars.fd');
  if (firmware === 'uefi') copyFileSync(OVMF_VARS, vars);
  const server = await startQemu(dir, `server-${firmware}`, drives, [
    ...(firmware === 'bios'
      ? ['-machine', 'pc,graphics=off']
      : [
          ...['-machine', 'q35', '-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${OVMF_CODE}`],
          ...['-drive', `if=pflash,format=raw,unit=1,file=${vars}`],
        ]),
    ...['-netdev', `user,id=door,restrict=on,hostfwd=tcp:127.0.0.1:${port}-:22`],
    ...['-device', 'virtio-net-pci,netdev=door,romfile='],
  ]);
  const options = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    'ConnectTimeout=30',
  ];
  const ssh = ['ssh', '-i', identity, '-p', String(port), ...options.flatMap((one) => ['-o', one])];
  return {
    ...server,
    ssh: (command: string, timeoutMs = 120_000): Promise<RunResult> =>
      run([...ssh, 'root@127.0.0.1', command], { timeoutMs }),
  };
}

async function startQemu(
  dir: string,
  name: string,
  drives: readonly Drive[],
  more: readonly string[],
): Promise<Server> {
  const logFile = join(dir, `${name}.log`);
  const argv = [
    ...['timeout', '--kill-after=5', String(LIMIT_SECONDS), 'qemu-system-x86_64', '-name', name],
    ...['-accel', 'tcg,thread=multi', '-smp', '2', '-m', '1024', '-cpu', 'qemu64'],
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng'],
    ...drives.flatMap(({ file, serial, readOnly }, index) => [
      '-drive',
      `if=none,id=d${index},format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap,readonly=${readOnly ? 'on' : 'off'},file=${file}`,
      '-device',
      `virtio-blk-pci,drive=d${index},serial=${serial}`,
    ]),
    ...more,
  ];
  const running = await startProcess(name, argv, { logFile, console: true });
  const console = createConsole(name, running.stdout as Readable, running.stdin as Writable, logFile);
  return { console, off: running.ended, stop: () => running.stop() };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
