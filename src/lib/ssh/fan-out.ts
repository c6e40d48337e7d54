/**
 * Works on all items, so many at once, in their order. Resolves when each is done.
 * @throws what `work` threw first, once those that had begun have ended; no other is begun
 */
export async function fanOut<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  { atOnce }: { atOnce: number },
): Promise<void> {
  let next = 0;
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0)
      try {
        await work(items[next++]!);
      } catch (error) {
        failures.push(error);
      }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
