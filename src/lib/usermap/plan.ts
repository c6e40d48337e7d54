import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { asProloError, ProloError } from '../errors.ts';
import type { MachineRecord } from '../mdb/record.ts';
import type { Site } from '../site/site.ts';

/** Where a machine stands in its room; `x` to the right, `y` away from the wall with the screen, in seats. */
export interface Seat {
  room: string;
  hostname: string;
  x: number;
  y: number;
}

const COLUMNS = ['room', 'hostname', 'x', 'y'];
const MOST = 500;

/** The site's own: `seats.csv` beside prolo.yml. */
export const planFile = (site: Site): string => join(site.dir, 'seats.csv');

/** @throws ProloError `not-found`, `bad-input` that names the line */
export async function readPlan(file: string): Promise<Seat[]> {
  if (!existsSync(file))
    throw new ProloError('not-found', `seat plan ${file}: not there`, {
      hint: 'make one of the machines there are, and move seats about in it: `prolo usermap --draft`',
    });
  return parsePlan(await readFile(file, 'utf8'), file);
}

/** @throws ProloError `bad-input` that names the line */
export function parsePlan(text: string, file: string): Seat[] {
  let rows: string[][];
  try {
    rows = parse(text, { bom: true, trim: true, skip_empty_lines: true, delimiter: [',', ';', '\t'] });
  } catch (error) {
    throw new ProloError('bad-input', `seat plan ${file}: ${asProloError(error).message}`, { cause: error });
  }
  const [head, ...lines] = rows;
  if (head?.join() !== COLUMNS.join())
    throw new ProloError('bad-input', `seat plan ${file}: its first line is not ${COLUMNS.join(',')}`);
  const taken = new Map<string, string>();
  return lines.map(([room = '', hostname = '', x, y], i) => {
    const where = `seat plan ${file}: seat ${i + 1}, ${hostname}`;
    const seat = { room, hostname, x: coordinate(x, `${where}: x`), y: coordinate(y, `${where}: y`) };
    if (room === '' || hostname === '')
      throw new ProloError('bad-input', `${where}: no room, or no hostname`);
    for (const key of [`host ${hostname}`, `place ${room} ${seat.x} ${seat.y}`]) {
      if (taken.has(key)) throw new ProloError('bad-input', `${where}: the same as seat ${taken.get(key)}`);
      taken.set(key, `${i + 1}`);
    }
    return seat;
  });
}

function coordinate(cell: string | undefined, where: string): number {
  const number = Number(cell || Number.NaN);
  if (number >= 0 && number <= MOST) return number;
  throw new ProloError('bad-input', `${where}: ${JSON.stringify(cell ?? '')} is no number from 0 to ${MOST}`);
}

/** A plan to begin with: `r05p03` stands in row 5 as the third, others in a row behind. Only where people sit. */
export function draftPlan(machines: readonly Pick<MachineRecord, 'hostname' | 'room' | 'mtype'>[]): string {
  const others = new Map<string, number>();
  const seats = machines
    .filter(({ mtype }) => mtype === 'user' || mtype === 'orga')
    .map(({ room, hostname }): Seat => {
      const [, row, place] = /r(\d+)p(\d+)$/.exec(hostname) ?? [];
      if (row !== undefined) return { room, hostname, x: Number(place), y: Number(row) };
      const x = others.get(room) ?? 0;
      others.set(room, x + 1);
      return { room, hostname, x, y: 0 };
    });
  return stringify([COLUMNS, ...seats.map(({ room, hostname, x, y }) => [room, hostname, x, y])]);
}
