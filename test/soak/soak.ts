/** A long run: resolves with what it saw, a line each; throws where something gave way. */
export type Soak = (report: (text: string) => void) => Promise<string[]>;

/** `200: 5, 403: 7` */
export function countsText(counts: Record<string, number>): string {
  return Object.entries(counts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name}: ${count}`)
    .join(', ');
}
