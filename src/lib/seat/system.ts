import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProloError } from '../errors.ts';
import { runLight } from '../exec.ts';
import type { HomeAddress } from './ask-home.ts';

/** A home that is mounted. */
export interface Mount {
  login: string;
  /** `/dev/nbd0` */
  device: string;
}

/** What this machine does for a session: all that is not talk. */
export interface SeatSystem {
  /** The block devices of homes are there. */
  prepare(): Promise<void>;
  /** Undefined for those of the system, whose processes nobody must end. */
  uidOf(login: string): Promise<number | undefined>;
  /** @returns the device @throws ProloError */
  attach(home: HomeAddress): Promise<string>;
  detach(device: string): Promise<void>;
  mount(device: string, login: string): Promise<void>;
  /** Also where the storage is gone, and where somebody is still in it. */
  unmount(login: string): Promise<void>;
  /** Homes that are mounted now, whoever did it. */
  mounted(): Mount[];
  /** Devices that have a server, mounted as a home or not at all. */
  attached(): string[];
  /** Whether the device still has its server. */
  isAttached(device: string): boolean;
  /** TERM, then KILL: all processes of that person. */
  endProcesses(uid: number): Promise<void>;
  isAlive(pid: number): boolean;
  /** Says something on every terminal of that person's. */
  tell(uid: number, text: string): void;
  setClock(ms: number): Promise<void>;
}

/** Without an answer for so long, a device gives up: longer than a home is held at the end of its move. */
const NBD_TIMEOUT_S = 90;
const TERM_MS = 1_500;
/** Debian's first of a person. */
const FIRST_UID = 1000;

export function createSeatSystem(): SeatSystem {
  const system: SeatSystem = {
    async prepare() {
      if (listDevices().length === 0) await runLight(['modprobe', 'nbd']);
    },
    async uidOf(login) {
      const { exitCode, stdout } = await runLight(['id', '-u', '--', login]);
      const uid = Number(stdout);
      return exitCode === 0 && uid >= FIRST_UID ? uid : undefined;
    },
    async attach(home) {
      const name = listDevices().find((one) => !hasServer(one));
      if (!name)
        throw new ProloError('unavailable', 'this machine has no free block device for a home', {
          hint: 'is the kernel module nbd loaded?',
        });
      const device = `/dev/${name}`;
      const server = ['-N', home.export, home.host, String(home.port), device];
      const { exitCode, stdout, stderr } = await runLight([
        ...['nbd-client', '-nonetlink', '-timeout', String(NBD_TIMEOUT_S), ...server],
      ]);
      if (exitCode === 0) return device;
      throw new ProloError('failed', `nbd-client: ${lastLine(stderr || stdout)}`);
    },
    async detach(device) {
      if (hasServer(device.replace('/dev/', ''))) await runLight(['nbd-client', '-nonetlink', '-d', device]);
    },
    async mount(device, login) {
      const place = homeOf(login);
      await mkdir(place, { recursive: true });
      const options = ['-t', 'ext4', '-o', 'nosuid,nodev'];
      const { exitCode, stderr } = await runLight(['mount', ...options, device, place]);
      if (exitCode !== 0) throw new ProloError('failed', `mount ${place}: ${lastLine(stderr)}`);
    },
    async unmount(login) {
      const place = homeOf(login);
      for (let attempt = 0; system.mounted().some((mount) => mount.login === login); attempt++) {
        const lazily = attempt >= 5 ? ['-l'] : [];
        const { exitCode } = await runLight(['umount', ...lazily, place]);
        if (exitCode !== 0) await sleep(100);
        if (attempt > 10) return;
      }
    },
    mounted: () => parseMounts(readText('/proc/mounts')),
    attached: () =>
      listDevices()
        .filter((name) => hasServer(name) && !isElsewhere(name))
        .map((name) => `/dev/${name}`),
    isAttached: (device) => hasClient(device.replace('/dev/', '')),
    async endProcesses(uid) {
      const deadline = performance.now() + TERM_MS;
      for (let signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM', rounds = 0; rounds < 200; rounds++) {
        const pids = processesOf(uid);
        if (pids.length === 0) return;
        if (performance.now() > deadline) signal = 'SIGKILL';
        if (rounds === 0 || signal === 'SIGKILL') for (const pid of pids) send(pid, signal);
        await sleep(20);
      }
    },
    isAlive: (pid) => readText(`/proc/${pid}/stat`) !== '' && !isZombie(String(pid)),
    tell(uid, text) {
      for (const terminal of terminalsOf(uid))
        try {
          writeFileSync(terminal, `\r\n${text}\r\n`, { flag: 'a' });
        } catch {
          // it was closed
        }
    },
    async setClock(ms) {
      const { exitCode, stderr } = await runLight(['date', '-u', '-s', `@${Math.round(ms / 1000)}`]);
      if (exitCode !== 0) throw new ProloError('failed', `date: ${lastLine(stderr)}`);
    },
  };
  return system;
}

export const homeOf = (login: string): string => `/home/${login}`;

/** /proc/mounts: which network block devices are on which homes. */
export function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [, device, login] = /^(\/dev\/nbd\d+) \/home\/([a-z_][a-z0-9_-]{0,31}) /.exec(line) ?? [];
    return device && login ? [{ device, login }] : [];
  });
}

function listDevices(): string[] {
  return readdirSync('/sys/block')
    .filter((name) => /^nbd\d+$/.test(name))
    .sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)));
}

/** Whether it holds something else than a home: this machine's own root, or a part of another device. */
function isElsewhere(name: string): boolean {
  const mounts = readText('/proc/mounts').split('\n');
  const other = mounts.some((line) => line.startsWith(`/dev/${name} `) && parseMounts(line).length === 0);
  return other || readdirOrNone(`/sys/block/${name}/holders`).length > 0;
}

/** As long as its home is mounted, a device is taken, also by a server that is gone. */
function hasServer(name: string): boolean {
  return readText(`/sys/block/${name}/pid`) !== '';
}

/** The client leaves when its server does; who it was stays written in /sys. */
function hasClient(name: string): boolean {
  const pid = readText(`/sys/block/${name}/pid`).trim();
  return pid !== '' && readText(`/proc/${pid}/comm`).trim() === 'nbd-client';
}

function processesOf(uid: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && ownerOf(`/proc/${entry}`) === uid && !isZombie(entry))
    .map(Number);
}

function isZombie(pid: string): boolean {
  return / Z /.test(readText(`/proc/${pid}/stat`).replace(/^.*\)/s, ''));
}

function terminalsOf(uid: number): string[] {
  const folder = (dir: string, pattern: RegExp): string[] =>
    readdirOrNone(dir)
      .filter((name) => pattern.test(name))
      .map((name) => `${dir}/${name}`);
  return [...folder('/dev/pts', /^\d+$/), ...folder('/dev', /^tty/)].filter((file) => ownerOf(file) === uid);
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    return undefined;
  }
}

function readdirOrNone(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
