/**
 * Spreadsheets run what begins with `=`, `+`, `-` or `@`. Such a cell goes out behind an apostrophe, and comes back
 * without: whatever was written, reading it again gives the same text.
 */
export function toCell(value: unknown): string {
  const text = String(value ?? '');
  return /^[=+\-@'\t\r]/.test(text) ? `'${text}` : text;
}

export function fromCell(cell: string): string {
  return /^'[=+\-@'\t\r]/.test(cell) ? cell.slice(1) : cell;
}
