/**
 * What was read less than `ttlMs` ago, read again when it is older; when that fails, what was read last. Many who ask at
 * once wait for one reading. @throws what `read` throws as long as nothing was ever read
 */
export function remembered<T>(read: () => Promise<T>, ttlMs: number): () => Promise<T> {
  let last: { value: T; atMs: number } | undefined;
  let reading: Promise<T> | undefined;
  return async () => {
    if (last && performance.now() - last.atMs < ttlMs) return last.value;
    reading ??= read().finally(() => (reading = undefined));
    try {
      last = { value: await reading, atMs: performance.now() };
    } catch (error) {
      if (!last) throw error;
    }
    return last.value;
  };
}
