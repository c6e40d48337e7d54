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
  const stop = (status: 'timeout' | 'stopped', reason: string): void => {
    cut ??= new ConnectionEnded(status, reason);
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
    const running = await connection.exec(command);
    channel = running.channel;
    if (cut) throw (channel.destroy(), cut);
    channel.on('error', () => undefined).end(input);
    const pass = async (stream: Stream, from: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of from) await sink.write(hostname, stream, chunk);
    };
    await Promise.all([pass('stdout', channel), pass('stderr', channel.stderr)]);
    const { exitCode, killedBy } = await running.exit;
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
