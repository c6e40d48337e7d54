import { setTimeout as wait } from 'node:timers/promises';

/** What starts together. */
export interface Wave<T> {
  /** After the start of all. */
  atMs: number;
  items: T[];
}

export interface WaveLimits {
  /** Of one group at once; the next ones follow after `waveMs`. */
  perGroup: number;
  waveMs: number;
}

/**
 * When each item starts, so that no group (the machines of a switch) has more than `perGroup` of them in `waveMs`. Items keep
 * their order; groups do not wait for each other.
 */
export function planWaves<T>(
  items: readonly T[],
  groupOf: (item: T) => string,
  { perGroup, waveMs }: WaveLimits,
): Wave<T>[] {
  const begun = new Map<string, number>();
  const waves: Wave<T>[] = [];
  for (const item of items) {
    const group = groupOf(item);
    const place = begun.get(group) ?? 0;
    begun.set(group, place + 1);
    const n = waveMs > 0 ? Math.floor(place / perGroup) : 0;
    (waves[n] ??= { atMs: n * waveMs, items: [] }).items.push(item);
  }
  return waves;
}

export interface Clock {
  nowMs(): number;
  /** Resolves after that time, or as soon as the signal says so. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const realClock: Clock = {
  nowMs: () => performance.now(),
  sleep: (ms, signal) => wait(ms, undefined, signal ? { signal } : {}).catch(() => undefined),
};

/**
 * Starts each wave at its time, whether the ones before it have ended or not, and resolves when all have. When the signal comes,
 * or a wave throws, no other one starts, and those that have are waited for.
 * @returns the items that were not touched
 * @throws what a wave threw first
 */
export async function runWaves<T>(
  waves: readonly Wave<T>[],
  start: (wave: Wave<T>) => Promise<void>,
  { clock = realClock, signal }: { clock?: Clock; signal?: AbortSignal } = {},
): Promise<T[]> {
  const startedMs = clock.nowMs();
  const failed = new AbortController();
  const stop = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const running: Promise<void>[] = [];
  const failures: unknown[] = [];
  let next = 0;
  for (; next < waves.length; next++) {
    const wave = waves[next]!;
    const waitMs = startedMs + wave.atMs - clock.nowMs();
    if (waitMs > 0 && !stop.aborted) await clock.sleep(waitMs, stop);
    if (stop.aborted) break;
    running.push(
      start(wave).catch((error: unknown) => {
        failures.push(error);
        failed.abort();
      }),
    );
  }
  await Promise.all(running);
  if (failures.length > 0) throw failures[0];
  return waves.slice(next).flatMap(({ items }) => items);
}
