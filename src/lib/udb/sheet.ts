import { stringify } from 'csv-stringify/sync';
import { toCell } from '../cli/cells.ts';
import type { PrivateUser } from './record.ts';
import { NOT_KNOWN, type SheetFormat } from './sheet-formats.ts';

/** A password sheet in one of its formats. @param site the site's name */
export async function renderSheet(
  format: SheetFormat,
  site: string,
  users: readonly PrivateUser[],
): Promise<string | Buffer> {
  if (format === 'csv') return renderCsvSheet(users);
  if (format === 'text') return renderTextSheet(site, users);
  return (await import('./sheet-pdf.ts')).renderPdfSheet(site, users);
}

/** A row a user, for a spreadsheet or a mail merge; no cell is taken for a formula. */
export function renderCsvSheet(users: readonly PrivateUser[]): string {
  const header = ['login', 'password', 'firstname', 'lastname', 'group'];
  const rows = users.map(({ login, password, firstname, lastname, group }) =>
    [login, password ?? '', firstname, lastname, group].map(toCell),
  );
  return stringify([header, ...rows]);
}

/** A slip a user, to print on anything and cut along the lines. */
export function renderTextSheet(site: string, users: readonly PrivateUser[]): string {
  const line = '- '.repeat(30).trimEnd();
  const slips = users.map(({ login, password, firstname, lastname, group }) =>
    [
      '',
      `  ${`${firstname} ${lastname}`.trim()}  (${site}, ${group})`,
      '',
      `    login     ${login}`,
      `    password  ${password ?? NOT_KNOWN}`,
      '',
      line,
    ].join('\n'),
  );
  return `${[line, ...slips].join('\n')}\n`;
}
