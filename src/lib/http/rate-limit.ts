/** Counts events by key in a sliding minute. Pure but for its own memory, which is bounded. */
export interface RateLimit {
  /** Whether one more is allowed now; if so it counts. */
  take(key: string, nowMs: number): boolean;
}

export function createRateLimit(perMinute: number, maxKeys = 10_000): RateLimit {
  const seen = new Map<string, number[]>();
  return {
    take(key, nowMs) {
      // What is of the future was counted before the clock was set back.
      const recent = (seen.get(key) ?? []).filter((at) => at > nowMs - 60_000 && at <= nowMs);
      seen.delete(key); // re-inserted last, so the first key is the one longest unheard of
      if (seen.size >= maxKeys) seen.delete(seen.keys().next().value!);
      const allowed = recent.length < perMinute;
      if (allowed) recent.push(nowMs);
      seen.set(key, recent);
      return allowed;
    },
  };
}
