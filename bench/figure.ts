/** One figure of `npm run bench`: measured against a peer or a limit in the same run. */
export interface Figure {
  name: string;
  value: number;
  limit: number;
  /** Whether `value` keeps to `limit` (`at most` unless the bench says at least). */
  holds: boolean;
  /** What it was measured against, and the raw medians. */
  against: string;
  runs: number;
}

/** A bench file's default export. `short`: fewer runs and smaller things, as many as show that it works. */
export type Bench = (report: (text: string) => void, options: { short: boolean }) => Promise<Figure[]>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A figure that holds while it is at most `limit`. */
export function atMost(name: string, value: number, limit: number, against: string, runs: number): Figure {
  return { name, value, limit, holds: value <= limit, against, runs };
}

/** A figure that holds while it is at least `limit`. */
export function atLeast(name: string, value: number, limit: number, against: string, runs: number): Figure {
  return { name, value, limit, holds: value >= limit, against: `at least; ${against}`, runs };
}
