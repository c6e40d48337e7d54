/** Columns of text for people, aligned; the header in bold on a terminal. Control characters never reach it. */
export function table(
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
  bold = process.stdout.isTTY,
): string {
  const cells = rows.map((row) => row.map((cell) => printable(cell)));
  const widths = columns.map((column, i) =>
    Math.max(column.length, ...cells.map((row) => (row[i] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  const header = line(columns.map((column) => column.toUpperCase()));
  return [bold ? `\u001b[1m${header}\u001b[22m` : header, ...cells.map(line)].join('\n');
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
