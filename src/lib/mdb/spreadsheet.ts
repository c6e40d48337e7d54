import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { type Document, parseDocument, stringify as toYaml } from 'yaml';
import { fromCell, toCell } from '../cli/cells.ts';
import { ProloError } from '../errors.ts';
import type { MachineInput } from './plan.ts';
import { MACHINE_FIELDS, type MachineRecord } from './record.ts';
import { quote } from './validate.ts';

export type SheetFormat = 'csv' | 'yaml';

/** By the file's name; anything that is not `.csv` is YAML (which JSON is too). */
export function sheetFormat(file: string): SheetFormat {
  return /\.(csv|tsv|txt)$/i.test(file) ? 'csv' : 'yaml';
}

/** MDB as a file that a spreadsheet opens and that imports back unchanged. */
export function writeSheet(records: readonly MachineRecord[], format: SheetFormat): string {
  const rows = records.map((record) =>
    Object.fromEntries(MACHINE_FIELDS.map((field) => [field, record[field]])),
  );
  if (format === 'yaml') return toYaml(rows);
  const cells = rows.map((row) =>
    MACHINE_FIELDS.map((field) => (typeof row[field] === 'string' ? toCell(row[field]) : String(row[field]))),
  );
  return stringify([[...MACHINE_FIELDS], ...cells]);
}

/**
 * The wishes in a file. A column or key that is left out leaves that field as it is; so does an empty CSV cell, except
 * for aliases and a fault's details, which it clears.
 * @throws ProloError `bad-input` that names the line or record, and what was expected
 */
export function readSheet(text: string, format: SheetFormat, file: string): SheetRow[] {
  return (format === 'csv' ? readCsv(text, file) : readYaml(text, file)).map(({ where, row }) => ({
    where,
    input: toInput(row, where),
  }));
}

/** A wish, and where it was written. */
export interface SheetRow {
  where: string;
  input: MachineInput;
}

interface Row {
  where: string;
  row: Record<string, unknown>;
}

function readCsv(text: string, file: string): Row[] {
  if (text.trim() === '')
    throw new ProloError('bad-input', `${file}: empty: not even a line with the names of the columns`, {
      hint: '`prolo mdb export` writes a file that can be read',
    });
  const delimiter =
    [';', '\t', ','].find((d) => text.slice(0, text.indexOf('\n') + 1 || undefined).includes(d)) ?? ',';
  try {
    const parsed = parse(text, {
      bom: true,
      columns: checkHeader,
      delimiter,
      skip_empty_lines: true,
      trim: true,
      info: true,
    }) as unknown as {
      record: Record<string, string>;
      info: { lines: number };
    }[];
    return parsed.map(({ record, info }) => ({
      where: `${file}: line ${info.lines}`,
      row: Object.fromEntries(
        Object.entries(record).flatMap(([field, cell]): [string, string][] =>
          cell === '' && field !== 'aliases' && field !== 'is_faulty_details'
            ? []
            : [[field, fromCell(cell)]],
        ),
      ),
    }));
  } catch (error) {
    throw new ProloError('bad-input', `${file}: ${csvTrouble(error as CsvTrouble)}`, { cause: error });
  }
}

type CsvTrouble = Error & { code?: string; lines?: number; record?: unknown[]; columns?: unknown[] };

/** What the parser says, in words of somebody who sees a spreadsheet. */
function csvTrouble({ code, message, lines, record, columns }: CsvTrouble): string {
  if (code !== 'CSV_RECORD_INCONSISTENT_COLUMNS' || !record || !columns) return message;
  return `line ${lines}: ${record.length} cells, but line 1 names ${columns.length} columns`;
}

function readYaml(text: string, file: string): Row[] {
  const document = parseDocument(text);
  if (document.errors[0]) throw new ProloError('bad-input', `${file}: ${document.errors[0].message}`);
  const records = toValue(document, file);
  if (!Array.isArray(records)) throw new ProloError('bad-input', `${file}: expected a list of machines`);
  return records.map((row: unknown, i) => {
    const where = `${file}: machine ${i + 1}`;
    if (typeof row !== 'object' || row === null)
      throw new ProloError('bad-input', `${where}: expected fields, got ${quote(row)}`);
    return { where, row: row as Record<string, unknown> };
  });
}

/** @throws ProloError `bad-input` for aliases that would unfold without end */
function toValue(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw new ProloError('bad-input', `${file}: ${(cause as Error).message}`, { cause });
  }
}

/** The names of the columns. @throws ProloError for one that is there twice: only one of its cells would count. */
function checkHeader(names: string[]): string[] {
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice === undefined) return names;
  throw new ProloError('bad-input', `line 1: column ${quote(twice)} is there twice`);
}

function toInput(row: Record<string, unknown>, where: string): MachineInput {
  const unknown = Object.keys(row).find((field) => !(MACHINE_FIELDS as readonly string[]).includes(field));
  if (unknown !== undefined)
    throw new ProloError('bad-input', `${where}: field ${quote(unknown)} is unknown`, {
      hint: `fields: ${MACHINE_FIELDS.join(', ')}`,
    });
  const given = Object.entries(row).filter(([, value]) => value !== null); // `room:` without a value
  if ((row.hostname ?? undefined) === undefined)
    throw new ProloError('bad-input', `${where}: hostname is missing`);
  const nested = given.find(
    ([field, value]) => typeof value === 'object' && !(field === 'aliases' && isFlat(value)),
  );
  if (nested) throw new ProloError('bad-input', `${where}: ${nested[0]} is no text, number or true or false`);
  const read: Record<string, (value: unknown) => unknown> = {
    rfs: (value) => integer(value, `${where}: rfs`),
    hfs: (value) => integer(value, `${where}: hfs`),
    is_faulty: (value) => boolean(value, `${where}: is_faulty`),
    aliases: (value) =>
      Array.isArray(value)
        ? value.map(String)
        : String(value)
            .split(/[,\s]+/)
            .filter(Boolean),
  };
  return Object.fromEntries(
    given.map(([field, value]) => [field, (read[field] ?? String)(value)]),
  ) as MachineInput;
}

/** A list of texts and numbers. */
function isFlat(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item !== 'object');
}

function integer(value: unknown, where: string): number {
  if (/^\d{1,4}$/.test(String(value))) return Number(value);
  throw new ProloError('bad-input', `${where} ${quote(value)} is not a number`);
}

function boolean(value: unknown, where: string): boolean {
  const text = String(value).toLowerCase();
  if (['true', '1', 'yes', 'x', 'vrai', 'oui'].includes(text)) return true;
  if (['false', '0', 'no', '', 'faux', 'non'].includes(text)) return false;
  throw new ProloError('bad-input', `${where} ${quote(value)} is neither true nor false`);
}
