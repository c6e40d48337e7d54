/** The commands that somebody may have meant by one that is not there, at most three. */
export function nearest(wanted: string, known: readonly string[]): string[] {
  const rank = (command: string): number =>
    command.endsWith(` ${wanted}`) ? 1 : distance(wanted, command) / Math.max(2, wanted.length / 3);
  return [...new Set(known)]
    .map((command) => ({ command, rank: rank(command) }))
    .filter((candidate) => candidate.rank <= 1)
    .sort((a, b) => a.rank - b.rank)
    .filter(({ rank: own }, i, [best]) => own === best!.rank && i < 3)
    .map(({ command }) => command);
}

/** How many letters have to be put in, taken out or changed (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
