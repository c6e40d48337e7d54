/**
 * Time that counts only while this process listens: when it was stopped, or the machine slept, heartbeats wait unread, and
 * nobody's session may expire for that. Steps of the system's clock do not count either.
 */
export interface ListeningClock {
  nowMs(): number;
  /** To be called at least every `tickMs`. */
  tick(): void;
}

/** @param monotonicMs such as `performance.now` */
export function createListeningClock(tickMs: number, monotonicMs: () => number): ListeningClock {
  let countedMs = 0;
  let lastMs = monotonicMs();
  const nowMs = (): number => countedMs + Math.min(monotonicMs() - lastMs, 2 * tickMs);
  return {
    nowMs,
    tick() {
      countedMs = nowMs();
      lastMs = monotonicMs();
    },
  };
}
