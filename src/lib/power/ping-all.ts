import { fanOut } from '../ssh/fan-out.ts';
import { realClock } from '../ssh/waves.ts';
import { type Answer, ping } from './ping.ts';

export interface PingOptions {
  port: number;
  fanout: number;
  timeoutMs: number;
}

type Machine = { hostname: string; ip: string };

/** What each machine answers, in their order. */
export async function pingAll(
  machines: readonly Machine[],
  { port, fanout, timeoutMs }: PingOptions,
  signal?: AbortSignal,
): Promise<Answer[]> {
  const answers = new Map<Machine, Answer>();
  const limits = { port, timeoutMs, ...(signal ? { signal } : {}) };
  await fanOut(machines, async (machine) => void answers.set(machine, await ping(machine, limits)), {
    atOnce: fanout,
  });
  return machines.map((machine) => answers.get(machine)!);
}

/** sshd holds it against a caller who comes more than once a second and never logs in. */
const EVERY_MS = 2000;

/**
 * Asks again and again, and says what has changed, until all are up or the signal comes.
 * @returns the last answers
 */
export async function watchPings(
  machines: readonly Machine[],
  first: readonly Answer[],
  options: PingOptions,
  signal: AbortSignal,
  say: (changes: readonly Answer[], afterMs: number) => void,
): Promise<Answer[]> {
  const startedMs = realClock.nowMs();
  let last = [...first];
  while (last.some(({ state }) => state !== 'up')) {
    await realClock.sleep(EVERY_MS, signal);
    if (signal.aborted) break;
    const answers = await pingAll(machines, options, signal);
    if (signal.aborted) break;
    const changes = answers.filter(({ state, reason }, i) => {
      const before = last[i]!;
      return state !== before.state || reason !== before.reason;
    });
    if (changes.length > 0) say(changes, realClock.nowMs() - startedMs);
    last = answers;
  }
  return last;
}
