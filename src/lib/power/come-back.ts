import { connect, type Connection, type Connector } from '../ssh/connect.ts';
import type { Outcome, Target } from '../ssh/protocol.ts';
import { type Clock, realClock } from '../ssh/waves.ts';
import { bootIdIn, READ_BOOT_ID, runKept } from './boot-id.ts';
import { ping } from './ping.ts';

export interface ComeBackOptions {
  /** How long it may take, and how often it is asked. */
  limitMs: number;
  everyMs?: number;
  clock?: Clock;
  signal?: AbortSignal;
}

/** Waits until a machine that was told to reboot lets us in after another boot than the one of `bootId`. */
export async function comeBack(
  target: Target,
  bootId: string,
  connector: Connector,
  { limitMs, everyMs = 2000, clock = realClock, signal }: ComeBackOptions,
): Promise<Outcome> {
  const startedMs = clock.nowMs();
  const end = (status: Outcome['status'], reason: string): Outcome => ({
    hostname: target.hostname,
    status,
    reason,
    ms: Math.round(clock.nowMs() - startedMs),
  });
  const seconds = (ms: number): number => Math.round(ms / 1000);
  for (let last = 'it has not been asked'; ;) {
    const leftMs = limitMs - (clock.nowMs() - startedMs);
    if (leftMs <= 0) return end('timeout', `not back in ${seconds(limitMs)} s: ${last}`);
    await clock.sleep(Math.min(everyMs, leftMs), signal);
    if (signal?.aborted) return end('stopped', 'told to reboot; its return was not waited for');
    const now = await readBootId(target, connector, signal);
    if (now.bootId === bootId) last = 'it has not gone down';
    else if (now.bootId !== undefined) return end('ok', `back after ${seconds(clock.nowMs() - startedMs)} s`);
    else last = now.reason;
  }
}

async function readBootId(
  target: Target,
  connector: Connector,
  signal: AbortSignal | undefined,
): Promise<{ bootId: string } | { bootId?: undefined; reason: string }> {
  const limits = signal ? { signal } : {};
  const answer = await ping(target, { port: target.port, timeoutMs: connector.connectMs, ...limits });
  if (answer.state !== 'up') return { reason: answer.reason ?? answer.state };
  let connection: Connection | undefined;
  try {
    connection = await connect(target, connector, signal);
    const { outcome, stdout } = await runKept(connection, READ_BOOT_ID, {
      commandMs: connector.connectMs,
      ...limits,
    });
    const bootId = bootIdIn(stdout);
    return bootId === undefined ? { reason: outcome.reason ?? 'it tells no boot id' } : { bootId };
  } catch (error) {
    return { reason: (error as Error).message };
  } finally {
    connection?.close();
  }
}
