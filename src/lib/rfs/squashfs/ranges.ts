/** Bytes from `start` to before `end`. */
export interface Range {
  start: number;
  end: number;
}

/** The same bytes, rising, none twice, none empty. */
export function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (start === end) continue;
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}

/** What of the first is not in the second; both as `merge` makes them. */
export function without(all: readonly Range[], gone: readonly Range[]): Range[] {
  const left: Range[] = [];
  let next = 0;
  for (const { start, end } of all) {
    let at = start;
    while (next < gone.length && gone[next]!.end <= at) next++;
    for (let i = next; i < gone.length && gone[i]!.start < end; i++) {
      if (gone[i]!.start > at) left.push({ start: at, end: gone[i]!.start });
      at = Math.max(at, gone[i]!.end);
    }
    if (at < end) left.push({ start: at, end });
  }
  return left;
}

export const sizeOf = (ranges: readonly Range[]): number =>
  ranges.reduce((sum, { start, end }) => sum + end - start, 0);
