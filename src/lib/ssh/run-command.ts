import type { Readable } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { type Connection, ConnectionEnded, outcomeOfEnd } from './connect.ts';
import type { Job, Outcome, Sink, Stream } from './protocol.ts';

export interface CommandLimits {
  /** 0: as long as it likes. */
  commandMs: number;
  /** The operator waits no longer. */
  signal?: AbortSignal;
}

/** Runs a command at one machine to its end, whatever that is; all its output has gone to the sink by then. */
export async function runCommand(
  connection: Connection,
  { command, input }: Job,
  sink: Sink,
  { commandMs, signal }: CommandLimits,
): Promise<Outcome> {
  const startedMs = performance.now();
  const { hostname } = connection.target;
  const ms = (): number => Math.round(performance.now() - startedMs);
  let cut: ConnectionEnded | undefined;
  let channel: ClientChannel | undefined;
  // A channel closes when the other side says so, which is the command's end: that is not waited for.
  let cutShort: (why: ConnectionEnded) => void = () => undefined;
  const isCut = new Promise<never>((_, reject) => (cutShort = reject));
  isCut.catch(() => undefined);
  const stop = (status: 'timeout' | 'stopped', reason: string): void => {
    cutShort((cut ??= new ConnectionEnded(status, reason)));
    channel?.destroy();
  };
  const timer =
    commandMs > 0
      ? setTimeout(() => stop('timeout', `no end in ${commandMs / 1000} s`), commandMs)
      : undefined;
  const onAbort = (): void => stop('stopped', 'not waited for');
  signal?.addEventListener('abort', onAbort);
  try {
    if (signal?.aborted) onAbort();
    if (cut) throw cut;
    const starting = connection.exec(command);
    starting.then(
      (late) => void (cut && late.channel.destroy()),
      () => undefined,
    );
    const running = await Promise.race([starting, isCut]);
    channel = running.channel;
    channel.on('error', () => undefined);
    if (typeof input === 'function')
      feed(input(), channel).catch((error: Error) => stop('stopped', `its input: ${error.message}`));
    else channel.end(input);
    const pass = async (stream: Stream, from: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of from) {
        if (cut) return;
        await sink.write(hostname, stream, chunk);
      }
    };
    const all = Promise.all([pass('stdout', channel), pass('stderr', channel.stderr)]);
    const { exitCode, killedBy } = await Promise.race([all.then(() => running.exit), isCut]);
    if (exitCode === 0) return { hostname, status: 'ok', exitCode, ms: ms() };
    if (exitCode !== undefined) return { hostname, status: 'failed', exitCode, ms: ms() };
    if (killedBy !== undefined)
      return { hostname, status: 'failed', signal: killedBy, reason: `killed by ${killedBy}`, ms: ms() };
    throw cut ?? connection.ended ?? new ConnectionEnded('unreachable', 'it hung up');
  } catch (error) {
    return outcomeOfEnd(connection, cut ?? connection.ended ?? error, ms());
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** One chunk at a time: the channel's own buffer is 2 MB, and there may be hundreds of them. */
async function feed(source: Readable, channel: ClientChannel): Promise<void> {
  let isOpen = true;
  const closed = new Promise<void>((resolve) =>
    channel.once('close', () => {
      isOpen = false;
      resolve();
    }),
  );
  for await (const chunk of source) {
    await Promise.race([new Promise((resolve) => channel.write(chunk, resolve)), closed]);
    if (!isOpen) return;
  }
  channel.end();
}
