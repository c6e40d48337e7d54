import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../write-file.ts';
import { parseImageName } from './image.ts';
import type { ProcessId } from './launch.ts';

/** Where a client, or a server that moves the home, can connect, and who may. */
export interface Export {
  /** Unguessable, unless the site serves SADM's own client. */
  name: string;
  port: number;
  /** The one address that may connect. */
  peer: string;
}

/**
 * What runs for a home on this server: enough to find it again after a restart of `hfs`, and to start it anew, the same,
 * after its process died. Of another boot it is worth nothing: what was acknowledged then may not be on the disk.
 */
export interface HomeRecord {
  login: string;
  epoch: number;
  bootId: string;
  storage: ProcessId;
  /** serve: a client. fetch: a client, while it moves here. source: the server that it moves to. */
  mode: 'serve' | 'fetch' | 'source';
  export: Export;
  /** fetch: where it comes from. */
  from?: { hfs: number; epoch: number; host: string; port: number; export: string };
  /** source: what puts it on TCP, and the epoch that it will have there. */
  front?: ProcessId;
  targetEpoch?: number;
}

/** A home's place in the run directory: its record, its log, its monitor's socket. */
export interface RunDir {
  dir: string;
  monitor: string;
  /** QEMU writes it once it is ready. */
  pid: string;
  /** The NBD socket behind `front`. */
  nbd: string;
  log: string;
}

export function runDirOf(root: string, login: string): RunDir {
  const dir = join(root, login);
  const file = (name: string): string => join(dir, name);
  return { dir, monitor: file('qmp'), pid: file('pid'), nbd: file('nbd'), log: file('log') };
}

export async function writeRecord(root: string, record: HomeRecord): Promise<void> {
  await writeFileAtomic(join(root, record.login, 'record.json'), JSON.stringify(record), 0o600);
}

/** The record of each home that something runs, or ran, for. One that cannot be read, or is none, is passed over. */
export function readRecords(root: string): HomeRecord[] {
  return list(root).flatMap((login) => {
    try {
      const record: unknown = JSON.parse(readFileSync(join(root, login, 'record.json'), 'utf8'));
      return isRecord(record) && record.login === login ? [record] : [];
    } catch {
      return [];
    }
  });
}

/** What a disk has damaged may be JSON all the same. */
function isRecord(value: unknown): value is HomeRecord {
  const { login, epoch, bootId, storage, mode, export: out } = (value ?? {}) as Partial<HomeRecord>;
  return (
    parseImageName(`${login}.${epoch}.img`) !== undefined &&
    typeof bootId === 'string' &&
    ['serve', 'fetch', 'source'].includes(mode ?? '') &&
    [storage?.pid, storage?.startTicks, out?.port].every(Number.isInteger) &&
    [out?.name, out?.peer].every((text) => typeof text === 'string')
  );
}

export function removeRecord(root: string, login: string): void {
  rmSync(join(root, login), { recursive: true, force: true });
}

/** Changes with every boot of this machine's kernel. */
export function readBootId(file = process.env.PROLO_BOOT_ID ?? '/proc/sys/kernel/random/boot_id'): string {
  return readFileSync(file, 'utf8').trim();
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
