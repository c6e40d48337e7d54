/** Runs one piece of work at a time, in the order of the calls; one that fails does not keep the next from its turn. */
export type Lock = <T>(work: () => Promise<T>) => Promise<T>;

export function createLock(): Lock {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work, work);
    last = result.catch(() => undefined);
    return result;
  };
}

/** As many locks as there are keys; what is free takes no memory. */
export function createLocks(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const locks = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const result = (locks.get(key) ?? Promise.resolve()).then(work, work);
    const settled = result
      .catch(() => undefined)
      .then(() => {
        if (locks.get(key) === settled) locks.delete(key);
      });
    locks.set(key, settled);
    return result;
  };
}
