import { existsSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProloError } from '../errors.ts';
import { endProcess, isAlive, launch, type ProcessId } from './launch.ts';
import { connectQmp, type Qmp } from './qmp.ts';
import type { RunDir } from './record.ts';

/**
 * One home's qemu-storage-daemon, as its monitor shows it. Its nodes: `image`, the file here; `source`, the server that a home
 * moves here from; and between the start of the copying and its end `mover`, through which each write goes to both.
 */
export interface Storage {
  process: ProcessId;
  qmp: Qmp;
}

/** Bytes of a move that are on their way at once: more is faster for an idle client, and starves one that writes. */
const MOVE_BUFFER_BYTES = 2 * 1024 * 1024;
const JOB = 'move';

/** A process that is not ready by then, or whose monitor does not answer, is ended, and another one started. */
const START_ATTEMPTS = 4;
const READY_MS = 5_000;
const START_ANSWER_MS = 2_000;

/** Starts the process, with nothing in it. */
export async function startStorage(unit: string, run: RunDir): Promise<Storage> {
  await mkdir(run.dir, { recursive: true, mode: 0o700 });
  if (run.monitor.length > 100)
    throw new ProloError('config', `run directory ${run.dir}: its name is too long for a unix socket`, {
      hint: 'set hfs.runDir in prolo.yml to a short path, such as /run/prolo',
    });
  const argv = [
    'qemu-storage-daemon',
    ...['--chardev', `socket,id=monitor,path=${run.monitor},server=on,wait=off`],
    ...['--monitor', 'chardev=monitor', '--pidfile', run.pid],
  ];
  for (let attempt = 1; ; attempt++) {
    for (const left of [run.monitor, run.pid]) rmSync(left, { force: true });
    const process = await launch(unit, argv, run.log);
    try {
      await untilReady(run, process);
      return { process, qmp: await connectQmp(run.monitor, START_ANSWER_MS * attempt) };
    } catch (error) {
      await endProcess(process);
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}

/**
 * Until then QEMU 7.2 hands the monitor's socket from one thread to another: of those who connect in that moment, one in some
 * thousand is never answered, or no more after a few commands (8 of 28,000 starts; of 36,000 with this none).
 */
async function untilReady({ dir, pid }: RunDir, storage: ProcessId): Promise<void> {
  for (const deadline = performance.now() + READY_MS; !existsSync(pid); await sleep(1)) {
    if (!isAlive(storage)) throw new ProloError('unavailable', `storage: it has ended; its log is in ${dir}`);
    if (performance.now() > deadline)
      throw new ProloError('unavailable', `storage: not ready in ${READY_MS} ms`);
  }
}

/** The image of this server, as what a client gets; between it and its file, `disk`, a backup can put a snapshot. */
export async function addImage(qmp: Qmp, file: string): Promise<void> {
  await qmp.execute('blockdev-add', {
    driver: 'raw',
    'node-name': 'image',
    discard: 'unmap',
    file: { driver: 'file', 'node-name': 'disk', filename: file, discard: 'unmap', 'auto-read-only': false },
  });
}

export interface Remote {
  host: string;
  port: number;
  export: string;
}

/** A home on another server, as what a client gets, and beside it the file here that it moves into. */
export async function addRemote(
  qmp: Qmp,
  remote: Remote,
  file: string,
  reconnectSeconds: number,
): Promise<void> {
  await qmp.execute('blockdev-add', {
    driver: 'nbd',
    'node-name': 'source',
    server: { type: 'inet', host: remote.host, port: String(remote.port) },
    export: remote.export,
    'reconnect-delay': reconnectSeconds,
  });
  await addImage(qmp, file);
}

/**
 * What a client of a home that moves here must be given now; a write to another node would miss one of the two sides. No
 * step of the move may be taken until it was given.
 */
export async function nodeOfMove(qmp: Qmp): Promise<string> {
  const job = await queryJob(qmp);
  if (!job) return 'source';
  if (job.status === 'concluded') return job.error === undefined ? 'image' : 'source';
  return 'mover';
}

/**
 * Serves a node under a name, to one client at a time, in place of whatever was served before: that client is cut off.
 * @param at a TCP address, or the path of a unix socket
 */
export async function serveHome(
  qmp: Qmp,
  node: string,
  name: string,
  at: { host: string; port: number } | string,
): Promise<void> {
  await unserveHome(qmp);
  if (typeof at === 'string') rmSync(at, { force: true });
  const addr =
    typeof at === 'string'
      ? { type: 'unix', data: { path: at } }
      : { type: 'inet', data: { host: at.host, port: String(at.port) } };
  await qmp.execute('nbd-server-start', { addr, 'max-connections': 1 });
  await qmp.execute('block-export-add', {
    type: 'nbd',
    id: 'home',
    'node-name': node,
    name,
    writable: true,
  });
}

/** Cuts off whoever is connected, and lets nobody in. Once it resolves, no write can come any more. */
export async function unserveHome(qmp: Qmp): Promise<void> {
  const exports = async (): Promise<unknown[]> =>
    (await qmp.execute<{ type: string }[]>('query-block-exports')).filter(({ type }) => type === 'nbd');
  const before = await exports();
  if (before.length > 0) await qmp.execute('block-export-del', { id: 'home', mode: 'hard' });
  await qmp.execute('nbd-server-stop').catch((error: unknown) => {
    if (!/not running/.test(String(error))) throw error;
  });
  for (const deadline = performance.now() + 10_000; (await exports()).length > 0; await sleep(2))
    if (performance.now() > deadline)
      throw new ProloError('unavailable', 'storage: its export does not end', {
        hint: 'is its disk hanging? see `dmesg`',
      });
}

/** The job of a move as QEMU tells it; undefined when there is none. */
export interface Job {
  status: 'running' | 'ready' | 'pending' | 'concluded' | 'other';
  error?: string;
  /** 0 to 1. */
  progress: number;
}

export async function queryJob(qmp: Qmp): Promise<Job | undefined> {
  const jobs = await qmp.execute<QemuJob[]>('query-jobs');
  const job = jobs.find(({ id }) => id === JOB);
  if (!job) return undefined;
  const known = ['running', 'ready', 'pending', 'concluded'] as const;
  return {
    status: known.find((status) => status === job.status) ?? 'other',
    ...(job.error === undefined ? {} : { error: job.error }),
    progress: job['total-progress'] > 0 ? job['current-progress'] / job['total-progress'] : 0,
  };
}

interface QemuJob {
  id: string;
  status: string;
  error?: string;
  'current-progress': number;
  'total-progress': number;
}

/** From now on each write goes to both sides, and the rest is copied meanwhile. */
export async function startMove(qmp: Qmp, bytesPerSecond: number): Promise<void> {
  await qmp.execute('blockdev-mirror', {
    'job-id': JOB,
    device: 'source',
    target: 'image',
    'filter-node-name': 'mover',
    sync: 'full',
    'copy-mode': 'write-blocking',
    'auto-finalize': false,
    'auto-dismiss': false,
    'buf-size': MOVE_BUFFER_BYTES,
    ...(bytesPerSecond > 0 ? { speed: bytesPerSecond } : {}),
  });
}

/** @param bytesPerSecond 0: as fast as it goes */
export const setMoveSpeed = (qmp: Qmp, bytesPerSecond: number): Promise<unknown> =>
  qmp.execute('block-job-set-speed', { device: JOB, speed: bytesPerSecond });

/** `ready` → `pending`: both sides are equal then, and the client is held until the job is finalized. */
export const completeMove = (qmp: Qmp): Promise<unknown> => qmp.execute('job-complete', { id: JOB });
/** `pending` → `concluded`: the client goes on, on the file here. */
export const finalizeMove = (qmp: Qmp): Promise<unknown> => qmp.execute('job-finalize', { id: JOB });

/**
 * Forgets a concluded job. The node of the source stays: to remove it, or to quit, QEMU would ask the source once more, and
 * the whole process would wait for it as long as a move may.
 */
export const dismissMove = (qmp: Qmp): Promise<unknown> => qmp.execute('job-dismiss', { id: JOB });

/** Resolves with the job once it is in one of these states, or has concluded. */
export async function untilJob(qmp: Qmp, ...states: Job['status'][]): Promise<Job> {
  let wake = (): void => undefined;
  qmp.onEvent(({ event }) => event === 'JOB_STATUS_CHANGE' && wake());
  void qmp.closed.then(() => wake());
  for (;;) {
    const changed = new Promise<void>((resolve) => (wake = resolve));
    const job = await queryJob(qmp);
    if (!job) return { status: 'concluded', error: 'the job is gone', progress: 0 };
    if (job.status === 'concluded' || states.includes(job.status)) return job;
    await changed;
  }
}
