import { createConnection, type Socket } from 'node:net';
import { ProloError } from '../errors.ts';

/** What QEMU reports by itself, such as `BLOCK_JOB_READY`. */
export interface QmpEvent {
  event: string;
  data: Record<string, unknown>;
}

/** A connection to one QEMU process's monitor (QEMU Machine Protocol: a JSON object a line). */
export interface Qmp {
  /** @throws ProloError `failed` with QEMU's own words, `unavailable` when the process is gone */
  execute<T = unknown>(command: string, args?: Record<string, unknown>): Promise<T>;
  onEvent(listener: (event: QmpEvent) => void): void;
  /** Resolves when the connection is closed, by whomever. */
  closed: Promise<void>;
  close(): void;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
  command: string;
}

/** How long one command may take; the longest wait for the disk. */
const COMMAND_MS = 20_000;

/**
 * Connects to a monitor's unix socket.
 * @param answerMs how long the first answer may take
 * @throws ProloError `unavailable` when there is nothing, or what is there does not answer
 */
export async function connectQmp(path: string, answerMs = COMMAND_MS): Promise<Qmp> {
  const gone = (): ProloError => new ProloError('unavailable', `monitor ${path}: the process is gone`);
  const socket = await connect(path).catch((cause: Error) => {
    throw new ProloError('unavailable', `monitor ${path}: ${cause.message}`, { cause });
  });

  const pending = new Map<number, Pending>();
  const listeners = new Set<(event: QmpEvent) => void>();
  let lastId = 0;
  let rest = '';
  let greeted: (() => void) | undefined;
  const greeting = new Promise<void>((resolve) => (greeted = resolve));
  const closed = new Promise<void>((resolve) =>
    socket.once('close', () => {
      for (const { reject } of pending.values()) reject(gone());
      pending.clear();
      greeted?.();
      resolve();
    }),
  );

  function onMessage(message: Record<string, unknown>): void {
    if ('QMP' in message) return greeted?.();
    if ('event' in message)
      return listeners.forEach((listen) => listen({ data: {}, ...message } as unknown as QmpEvent));
    const waiting = pending.get(message.id as number);
    pending.delete(message.id as number);
    if (!('error' in message)) return waiting?.resolve(message.return);
    const { desc } = message.error as { desc: string };
    waiting?.reject(new ProloError('failed', `${waiting.command}: ${desc}`));
  }
  socket.setEncoding('utf8').on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.trim()) onMessage(JSON.parse(line) as Record<string, unknown>);
  });

  const qmp: Qmp = {
    execute: <T>(command: string, args?: Record<string, unknown>) =>
      new Promise<T>((resolve, reject) => {
        if (socket.destroyed) return reject(gone());
        const id = ++lastId;
        const timer = setTimeout(() => {
          pending.delete(id);
          reject(new ProloError('unavailable', `${command}: no answer in ${COMMAND_MS} ms`));
        }, COMMAND_MS);
        const settled =
          <V>(settle: (value: V) => void) =>
          (value: V): void => {
            clearTimeout(timer);
            settle(value);
          };
        pending.set(id, { command, resolve: settled(resolve as () => void), reject: settled(reject) });
        socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
      }),
    onEvent: (listener) => void listeners.add(listener),
    closed,
    close: () => socket.destroy(),
  };
  let silent = false;
  const late = setTimeout(() => {
    silent = true;
    socket.destroy();
  }, answerMs);
  try {
    await greeting;
    await qmp.execute('qmp_capabilities');
    return qmp;
  } catch (error) {
    if (!silent) throw error;
    throw new ProloError('unavailable', `monitor ${path}: no answer in ${answerMs} ms`, { cause: error });
  } finally {
    clearTimeout(late);
  }
}

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path, () => resolve(socket.off('error', reject)));
    socket.once('error', reject);
  });
}
