/**
 * Columns of text for people, aligned; the header in bold on a terminal. Control characters never reach it. Where a
 * terminal is too narrow, columns that say nothing are left out.
 */
export function table(
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
  terminal: { isTTY?: boolean; columns?: number } = process.stdout,
): string {
  const cells = rows.map((row) => row.map((cell) => printable(cell)));
  const widths = columns.map((column, i) =>
    Math.max(column.length, ...cells.map((row) => displayWidth(row[i] ?? ''))),
  );
  const total = widths.reduce((sum, width) => sum + width + 2, -2);
  const tooWide = terminal.isTTY === true && total > (terminal.columns ?? Infinity);
  const shown = columns.map((_, i) => !tooWide || cells.some((row) => row[i] !== '-'));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell + ' '.repeat(widths[i]! - displayWidth(cell)))
      .filter((_, i) => shown[i])
      .join('  ')
      .trimEnd();
  const header = line(columns.map((column) => column.toUpperCase()));
  return [terminal.isTTY ? `\u001b[1m${header}\u001b[22m` : header, ...cells.map(line)].join('\n');
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/gu;

/** How many columns of a terminal a text takes: Chinese characters two each, combining marks none. */
export function displayWidth(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  const narrow = Array.from(text.replace(/\p{M}/gu, '')).length;
  return narrow + (text.match(WIDE)?.length ?? 0);
}

/** A value as one line of text that can neither move a terminal's cursor nor turn its direction of writing. */
export function printable(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value).replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    '?',
  );
}
