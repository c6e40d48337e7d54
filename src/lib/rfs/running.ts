import type { Knex } from 'knex';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { ProloError } from '../errors.ts';
import { type Store, transact } from '../store/store.ts';

/** What a machine says of itself; who it is, its address says. */
const Report = Type.Object(
  {
    version: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }),
    kernel: Type.String({ pattern: '^[\\x21-\\x7e]{1,64}$', description: 'as `uname -r` prints it' }),
  },
  { additionalProperties: false },
);
export type Report = Static<typeof Report>;

/** A machine that has said what it runs. */
export interface Running extends Report {
  hostname: string;
  /** ISO 8601, UTC; up to `SEEN_STEP_MS` behind. */
  seenAt: string;
}

/** That a machine is still there is written so often, whatever it says in between. */
export const SEEN_STEP_MS = 15 * 60_000;

/** @throws ProloError `bad-input` */
export function parseReport(text: string): Report {
  let report: unknown;
  try {
    report = JSON.parse(text);
  } catch {
    report = undefined;
  }
  if (Value.Check(Report, report)) return report;
  throw new ProloError('bad-input', 'running: no report', {
    hint: 'data is {"version": N, "kernel": "as uname -r prints it"}',
  });
}

/** Whether a report says something that is not written yet. What was written by a clock that went wrong ahead is put right by it. */
export function isNews(known: Omit<Running, 'hostname'> | undefined, report: Report, nowMs: number): boolean {
  return (
    !known ||
    known.version !== report.version ||
    known.kernel !== report.kernel ||
    Math.abs(nowMs - Date.parse(known.seenAt)) >= SEEN_STEP_MS
  );
}

/** What machines run, by what they said, in MDB's order. */
export async function listRunning(db: Knex): Promise<Running[]> {
  const rows = (await db('rfs_running')
    .join('machines', 'machines.id', 'rfs_running.machine_id')
    .orderBy('machines.id')
    .select('machines.hostname', 'rfs_running.version', 'rfs_running.kernel', 'rfs_running.seen_at')) as {
    hostname: string;
    version: number;
    kernel: string;
    seen_at: string;
  }[];
  return rows.map(({ seen_at, ...row }) => ({ ...row, seenAt: seen_at }));
}

/**
 * Writes down what the machine of an address runs, where that is news.
 * @throws ProloError `forbidden` when the address is no machine's, `not-found` for a version that never was
 */
export async function noteRunning(store: Store, ip: string, report: Report, now: Date): Promise<void> {
  const known = await findRow(store.knex, ip);
  if (!known) throw new ProloError('forbidden', `running: ${ip} is no machine of MDB`);
  if (!isNews(known.row, report, now.getTime())) return;
  const { version, kernel } = report;
  await transact(store, async (tx) => {
    // In here nobody else takes the address, nor removes the machine.
    const machine = await findRow(tx, ip);
    if (!machine) throw new ProloError('forbidden', `running: ${ip} is no machine of MDB`);
    if (!(await tx('rfs_versions').where({ version }).first('version')))
      throw new ProloError('not-found', `running: version ${version} never was`);
    const row = { version, kernel, seen_at: now.toISOString() };
    await tx('rfs_running')
      .insert({ machine_id: machine.id, ...row })
      .onConflict('machine_id')
      .merge(row);
  });
}

async function findRow(
  db: Knex,
  ip: string,
): Promise<{ id: number; row?: Omit<Running, 'hostname'> } | undefined> {
  const found = (await db('machines')
    .leftJoin('rfs_running', 'rfs_running.machine_id', 'machines.id')
    .where('machines.ip', ip)
    .first('machines.id', 'rfs_running.version', 'rfs_running.kernel', 'rfs_running.seen_at')) as
    { id: number; version: number | null; kernel: string; seen_at: string } | undefined;
  if (!found) return undefined;
  const { id, version, kernel, seen_at } = found;
  return version === null ? { id } : { id, row: { version, kernel, seenAt: seen_at } };
}
