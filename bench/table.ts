import type { Figure } from './figure.ts';

const COLUMNS = ['figure', 'value', 'limit', 'holds', 'against', 'runs'];

function row(figure: Figure): string[] {
  const { name, value, limit, holds, against, runs } = figure;
  return [name, round(value), String(limit), holds ? 'yes' : 'NO', against, String(runs)];
}

/** Three digits that count; more only where the number is that large. */
function round(value: number): string {
  return value >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

export function textTable(figures: readonly Figure[]): string {
  const rows = [COLUMNS, ...figures.map(row)];
  const widths = COLUMNS.map((_, i) => Math.max(...rows.map((cells) => cells[i]!.length)));
  return rows
    .map((cells) =>
      cells
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function markdownTable(figures: readonly Figure[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [COLUMNS, COLUMNS.map(() => '---'), ...figures.map(row)].map(line).join('\n');
}

/** A member for each figure. */
export function toJson(figures: readonly Figure[]): Record<string, Omit<Figure, 'name'>> {
  return Object.fromEntries(figures.map(({ name, ...rest }) => [name, rest]));
}
