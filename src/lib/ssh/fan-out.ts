/** How many at once, in all and of one group (a switch), and how long a group's place stays taken after an end. */
export interface Limits<T> {
  atOnce: number;
  groupOf?: (item: T) => string;
  perGroup?: number;
}

/**
 * Works on all items, as many at once as the limits let; those that wait for their group hold up no other. Resolves when each
 * is done.
 * @param work settles whatever happens; what it throws ends all
 */
export async function fanOut<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  { atOnce, groupOf = () => '', perGroup = Infinity }: Limits<T>,
): Promise<void> {
  const waiting = [...items];
  const busy = new Map<string, number>();
  let running = 0;
  await new Promise<void>((resolve, reject) => {
    const next = (): void => {
      if (running === 0 && waiting.length === 0) return resolve();
      for (let i = 0; i < waiting.length && running < atOnce;) {
        const item = waiting[i]!;
        const group = groupOf(item);
        const taken = busy.get(group) ?? 0;
        if (taken >= perGroup) {
          i++;
          continue;
        }
        waiting.splice(i, 1);
        busy.set(group, taken + 1);
        running++;
        work(item).then(() => {
          busy.set(group, busy.get(group)! - 1);
          running--;
          next();
        }, reject);
      }
    };
    next();
  });
}
