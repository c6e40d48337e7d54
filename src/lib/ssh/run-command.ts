import type { Readable } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import type { Connection, Running } from './connect.ts';
import { onAbort } from './dial.ts';
import { ConnectionEnded, outcomeOfEnd } from './ended.ts';
import type { Job, Outcome, Sink, Stream } from './protocol.ts';

export interface CommandLimits {
  /** 0: as long as it likes. */
  commandMs: number;
  /** The operator waits no longer. */
  signal?: AbortSignal;
}

/**
 * Runs a command at one machine to its end, whatever that is; all its output has gone to the sink by then. A command that is out of
 * time is sent SIGTERM, one that is no longer waited for goes on.
 */
export async function runCommand(
  connection: Connection,
  { command, input }: Job,
  sink: Sink,
  { commandMs, signal }: CommandLimits,
): Promise<Outcome> {
  const startedMs = performance.now();
  const { hostname } = connection.target;
  const ms = (): number => Math.round(performance.now() - startedMs);
  const cut = new AbortController();
  const stop = (status: 'timeout' | 'stopped', reason: string): void =>
    cut.abort(new ConnectionEnded(status, reason));
  const timer =
    commandMs > 0
      ? setTimeout(() => stop('timeout', `no end in ${commandMs / 1000} s`), commandMs)
      : undefined;
  const unlisten = onAbort(signal, () => stop('stopped', 'not waited for'));
  const orCut = orAborted(cut.signal);
  try {
    cut.signal.throwIfAborted();
    const starting = connection.exec(command);
    const leave = (running: Running): void =>
      (cut.signal.reason as ConnectionEnded).status === 'timeout'
        ? running.terminate()
        : running.channel.close();
    cut.signal.addEventListener('abort', () => void starting.then(leave, () => undefined), { once: true });
    const { channel, exit, took } = await orCut(starting);
    channel.on('error', () => undefined);
    if (typeof input === 'function')
      feed(input(connection.target), channel, cut.signal).catch((error: Error) =>
        stop('stopped', `its input: ${error.message}`),
      );
    else channel.end(input);
    const pass = (stream: Stream, from: Readable): Promise<void> =>
      passOn(from, (chunk) => sink.write(hostname, stream, chunk), took, cut.signal);
    await Promise.all([pass('stdout', channel), pass('stderr', channel.stderr as Readable)]);
    const { exitCode, killedBy } = await orCut(exit);
    if (exitCode === 0) return { hostname, status: 'ok', exitCode, ms: ms() };
    if (exitCode !== undefined) return { hostname, status: 'failed', exitCode, ms: ms() };
    if (killedBy !== undefined)
      return { hostname, status: 'failed', signal: killedBy, reason: `killed by ${killedBy}`, ms: ms() };
    throw (
      connection.ended ?? new ConnectionEnded('unreachable', 'it ended without saying how the command did')
    );
  } catch (error) {
    return outcomeOfEnd(connection, cut.signal.reason ?? connection.ended ?? error, ms());
  } finally {
    clearTimeout(timer);
    unlisten();
  }
}

/** Rejects with the signal's reason as soon as there is one. */
function orAborted(signal: AbortSignal): <T>(work: Promise<T>) => Promise<T> {
  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );
  aborted.catch(() => undefined);
  return (work) => Promise.race([work, aborted]);
}

/** One chunk at a time: the channel's own buffer is 2 MB, and there may be hundreds of them. */
async function feed(source: Readable, channel: ClientChannel, cut: AbortSignal): Promise<void> {
  let isOpen = true;
  let goOn: () => void = () => undefined;
  const close = (): void => {
    isOpen = false;
    goOn();
  };
  channel.once('close', close);
  cut.addEventListener('abort', close, { once: true });
  for await (const chunk of source) {
    if (!isOpen) return;
    await new Promise<void>((resolve) => {
      goOn = resolve;
      channel.write(chunk, () => resolve());
    });
    if (!isOpen) return;
  }
  channel.end();
}

/**
 * Hands on what comes, one piece after the other, until the end or the cut; then nothing more is handed on, and nothing is on its
 * way. A channel cannot simply be destroyed: ssh2's waits for the other side.
 */
function passOn(
  from: Readable,
  write: (chunk: Buffer) => void | Promise<void>,
  took: (bytes: number) => void,
  cut: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isBusy = false;
    let isOver = false;
    const pump = async (): Promise<void> => {
      if (isBusy) return;
      isBusy = true;
      for (let chunk: Buffer | null; !cut.aborted && (chunk = from.read() as Buffer | null) !== null;) {
        await write(chunk);
        took(chunk.length);
      }
      isBusy = false;
      if (isOver || cut.aborted) resolve();
    };
    const go = (): void => void pump().catch(reject);
    const over = (): void => {
      isOver = true;
      go();
    };
    from.on('readable', go).once('end', over).once('close', over);
    cut.addEventListener('abort', go, { once: true });
    go();
  });
}
