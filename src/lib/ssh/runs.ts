import { randomBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { currentActor } from '../cli/actor.ts';
import { ProloError } from '../errors.ts';
import { createLock } from '../locks.ts';
import { foldNodeset, parseNodeset } from '../nodeset.ts';
import type { Site } from '../site/site.ts';
import { writeFileAtomic } from '../write-file.ts';
import type { Outcome } from './protocol.ts';

/** Older logs are removed. */
export const KEPT_RUNS = 200;
const REWRITE_MS = 2000;

/** What a machine said, without saying it again: programs' output may be long, or secret. */
export interface OutputNote {
  stdoutBytes: number;
  stderrBytes: number;
  /** Of stdout, where it was hashed. */
  stdoutSha256?: string;
  stderrSha256?: string;
}

/** One run on machines, as its log has it. */
export interface RunRecord {
  actor: string;
  /** What it did, such as `run uptime`. */
  what: string;
  /** Its machines, as a node set, and how many. */
  machines: string;
  count: number;
  started: string;
  /** When it ended; null: it still runs, or was killed. */
  ended: string | null;
  pid: number;
  /** Where the output is, where that was kept. */
  output?: string;
  /** Of machines that are done: one that is missing had no end when the log was written. */
  results: (Outcome & Partial<OutputNote>)[];
}

/** The log of a run that goes on. */
export interface RunLog {
  file: string;
  add(outcome: Outcome, note?: OutputNote): void;
  /** Once all is over, whatever came of it. */
  end(): Promise<void>;
}

/**
 * Begins the log of a run: it is on the disk before a machine is touched, and tells of a run that was killed.
 * @throws ProloError `forbidden`, `full` and the like
 */
export async function startRun(
  site: Site,
  about: { what: string; hostnames: readonly string[]; actor?: string; output?: string },
): Promise<RunLog> {
  const dir = runsDir(site);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  const started = new Date().toISOString();
  const file = join(dir, `${started.replaceAll(/[-:]/g, '')}-${randomBytes(3).toString('hex')}.json`);
  const record: RunRecord = {
    actor: about.actor ?? currentActor(),
    what: about.what,
    machines: foldNodeset(about.hostnames),
    count: about.hostnames.length,
    started,
    ended: null,
    pid: process.pid,
    ...(about.output === undefined ? {} : { output: about.output }),
    results: [],
  };
  const lock = createLock();
  const write = (): Promise<void> => lock(() => writeFileAtomic(file, textOf(record), 0o600));
  /** A second Ctrl-C, or a reader that went away, ends the process at once: what is known is written all the same. */
  const onExit = (): void => {
    const temporary = join(dir, `.${record.pid}.${randomBytes(3).toString('hex')}`);
    writeFileSync(temporary, textOf(record), { mode: 0o600 });
    renameSync(temporary, file);
  };
  await removeOld(dir);
  await write();
  process.once('exit', onExit);
  let nextMs = performance.now() + REWRITE_MS;
  return {
    file,
    add(outcome, note) {
      record.results.push({ ...outcome, ...note });
      if (performance.now() < nextMs) return;
      nextMs = performance.now() + REWRITE_MS;
      void write().catch(() => undefined); // the last one says what is wrong
    },
    async end() {
      process.off('exit', onExit);
      record.ended = new Date().toISOString();
      await write();
    },
  };
}

/** The same for a run that goes on without a log where there can be none: it is noted. */
export async function recordRun(
  site: Site,
  about: Parameters<typeof startRun>[1],
  note: (text: string) => void,
): Promise<Omit<RunLog, 'file'> & { file: string | undefined }> {
  const log = await startRun(site, about).catch(
    (error: Error) => void note(`no log of this run is kept: ${error.message}`),
  );
  return {
    file: log?.file,
    add: (outcome, about) => log?.add(outcome, about),
    end: async () =>
      log?.end().catch((error: Error) => note(`the log of this run is not whole: ${error.message}`)),
  };
}

/**
 * The machines that were not ok in the operator's last run; of one that was killed also those that had no end.
 * @throws ProloError `not-found` when there was no run
 */
export async function lastFailed(site: Site, actor: string = currentActor()): Promise<string[]> {
  const run = await lastRun(site, actor);
  if (!run)
    throw new ProloError('not-found', `runs: ${actor} has none here`, {
      hint: 'name the machines; `--failed` is for those that failed the last time',
    });
  const ok = new Set(run.results.filter(({ status }) => status === 'ok').map(({ hostname }) => hostname));
  return parseNodeset(run.machines).filter((hostname) => !ok.has(hostname));
}

/** The newest run of an operator that is over. */
async function lastRun(site: Site, actor: string): Promise<RunRecord | undefined> {
  const dir = runsDir(site);
  for (const name of (await runFiles(dir)).reverse()) {
    const run = await readRun(join(dir, name));
    if (run?.actor === actor && (run.ended !== null || !isAlive(run.pid))) return run;
  }
  return undefined;
}

async function readRun(file: string): Promise<RunRecord | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as RunRecord;
  } catch {
    return undefined; // removed meanwhile as too old, or no log
  }
}

function runsDir(site: Site): string {
  return site.statePath('ssh/runs');
}

function textOf(record: RunRecord): string {
  return `${JSON.stringify(record, undefined, 1)}\n`;
}

/** The logs' names, the oldest first. */
async function runFiles(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).filter((name) => /^\d.*\.json$/.test(name)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Leaves room for one more. */
async function removeOld(dir: string): Promise<void> {
  for (const name of (await runFiles(dir)).slice(0, -(KEPT_RUNS - 1)))
    await unlink(join(dir, name)).catch(() => undefined);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
