/** Something that is done again and again. */
export interface Repeated {
  /** Does it now, too, unless it goes on. */
  now(): void;
  stop(): void;
}

/** Does something every so often; while it still goes on, its turn is passed over. */
export function repeat(
  everyMs: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): Repeated {
  let busy = false;
  const now = (): void => {
    if (busy) return;
    busy = true;
    void work()
      .catch(onError)
      .finally(() => (busy = false));
  };
  const timer = setInterval(now, everyMs);
  return { now, stop: () => clearInterval(timer) };
}
