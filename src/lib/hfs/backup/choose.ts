/** The last of a list (oldest first) that is not of after `at`. */
export function lastBefore<T extends { time: string }>(list: readonly T[], at?: string): T | undefined {
  return list.filter(({ time }) => at === undefined || time <= at).at(-1);
}

/**
 * Which server gets which home: the largest first, each to whoever has most room then.
 * @returns by login; a home for which nobody has room is not in it
 */
export function spread(
  homes: readonly { login: string; bytes: number }[],
  servers: readonly { hfs: number; freeBytes: number }[],
  reserveBytes: number,
): Map<string, number> {
  const free = new Map(servers.map(({ hfs, freeBytes }) => [hfs, freeBytes - reserveBytes]));
  const placed = new Map<string, number>();
  for (const { login, bytes } of [...homes].sort(
    (a, b) => b.bytes - a.bytes || (a.login < b.login ? -1 : 1),
  )) {
    const [best] = [...free].sort(([a, roomA], [b, roomB]) => roomB - roomA || a - b);
    if (!best || best[1] < bytes) continue;
    placed.set(login, best[0]);
    free.set(best[0], best[1] - bytes);
  }
  return placed;
}
