import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { asProloError, ProloError } from '../errors.ts';
import { syncPath } from '../write-file.ts';
import { openToClient } from './export.ts';
import { checkSpace, makeSparse } from './image.ts';
import { paceMove } from './move-pace.ts';
import type { Home, Opened, Seat, Source } from './protocol.ts';
import { type Export, type HomeRecord, writeRecord } from './record.ts';
import { addRunning, discard, replaceExport, reusable, startBeside } from './serve.ts';
import { endHome, type Hfs, type Running } from './server.ts';
import { markUnfinished, markWhole, removeUnfinished } from './unfinished.ts';
import {
  addRemote,
  completeMove,
  dismissMove,
  finalizeMove,
  type Job,
  queryJob,
  startMove,
  untilJob,
} from './storage.ts';

/** How long a client is held while hfsdb does not say whose home it is now; then its session ends, and the row decides. */
const HOLD_MS = 60_000;

type Fetching = Pick<Extract<Opened, { action: 'fetch' }>, 'login' | 'epoch' | 'source'> & {
  seat: Pick<Seat, 'ip'>;
};

/**
 * Serves a home that another server has, at once, and moves it here meanwhile.
 * @param urgent somebody waits for it
 * @returns undefined where an earlier attempt broke: it is given up then, and hfsdb is to be asked again
 */
export async function fetchHome(hfs: Hfs, opened: Fetching, urgent = true): Promise<Export | undefined> {
  const { login, epoch, seat, source } = opened;
  const there = reusable(hfs, login, epoch);
  if (there) return replaceExport(hfs, there, seat.ip);
  await endHome(hfs, login);
  const file = hfs.imageFile(login, epoch);
  if (existsSync(file)) {
    await giveUp(hfs, login, epoch);
    return undefined;
  }
  try {
    const { done: found, storage } = await startBeside(hfs, login, async () => {
      const home = await askSource(hfs, opened);
      await checkSpace(hfs.imageDir, home.used_bytes, `the home of ${login}`);
      await markUnfinished(file);
      await makeSparse(file, home.size_bytes);
      await syncPath(hfs.imageDir);
      return home;
    });
    try {
      await addRemote(storage.qmp, found, file, hfs.site.config.hfs.reconnectSeconds);
      const out = await openToClient(hfs, storage.qmp, 'source', login, seat.ip);
      const { host, port } = found;
      const from = { ...source, host, port, export: found.export };
      const home = await addRunning(hfs, storage, { login, epoch, mode: 'fetch', export: out, from });
      driveMove(hfs, home, urgent);
      return out;
    } catch (error) {
      await discard(storage);
      throw error;
    }
  } catch (error) {
    await giveUp(hfs, login, epoch);
    throw error;
  }
}

async function askSource(hfs: Hfs, { login, epoch, source }: Fetching): Promise<Source> {
  const ask = { login, epoch: source.epoch, target_epoch: epoch, hfs: hfs.number };
  try {
    return (await hfs.peer(source.hfs).call('begin_source', ask)) as Source;
  } catch (error) {
    const cause = asProloError(error);
    if (cause.kind !== 'unavailable') throw cause;
    throw new ProloError('unavailable', `hfs ${source.hfs}, where the home of ${login} is, does not answer`, {
      hint: `ask an organiser: \`prolo hfs restore ${login} --force\` takes its last backup`,
      cause,
    });
  }
}

/** Tells hfsdb that this attempt is over, and takes away what it left. Where hfsdb cannot be asked now, it is done later. */
export async function giveUp(hfs: Hfs, login: string, epoch: number): Promise<void> {
  try {
    const row = (await hfs.hfsdb.call('abort_move', { login, hfs: hfs.number, epoch })) as Home;
    if (row.hfs !== hfs.number || row.epoch !== epoch) await removeUnfinished(hfs.imageFile(login, epoch));
  } catch (error) {
    hfs.log.warn({ login, epoch, error: String(error) }, 'home: its move is not given up yet');
  }
}

/** Moves a home that is served already, from whatever step it is at; what goes wrong is in the log. */
export function driveMove(hfs: Hfs, home: Running, urgent: boolean): void {
  const { login, epoch } = home.record;
  const startedMs = performance.now();
  home.moving ??= move(hfs, home, urgent).then(
    () => {
      delete home.moving;
      const ms = Math.round(performance.now() - startedMs);
      hfs.log.info({ login, epoch, ms }, 'home: moved');
    },
    async (error: unknown) => {
      delete home.moving;
      hfs.log.error({ login, epoch, error: asProloError(error).message }, 'home: its move failed');
      if (home.ending) return;
      // A full disk here does not concern the client, who goes on at the source until the session ends.
      if (isFull(error) && (await isDismissed(home))) return;
      await hfs
        .locked(login, () => endFetch(hfs, home))
        .catch((cause: unknown) =>
          hfs.log.error({ login, epoch, error: asProloError(cause).message }, 'home: does not end'),
        );
    },
  );
}

/** Whether a broken move could be forgotten, its client being on the source alone. */
function isDismissed({ qmp }: Running): Promise<boolean> {
  return dismissMove(qmp).then(
    () => true,
    () => false,
  );
}

async function move(hfs: Hfs, home: Running, urgent: boolean): Promise<void> {
  const { record, qmp } = home;
  const file = hfs.imageFile(record.login, record.epoch);
  const free = await hfs.slots.take(urgent);
  try {
    await home.stepping(async () => {
      if (!(await queryJob(qmp))) await startMove(qmp, hfs.site.config.hfs.moveBytesPerSecond);
    });
    const copied = untilJob(qmp, 'ready', 'pending');
    if (urgent) paceUntil(hfs, home, copied);
    mustGoOn(record, await copied);
    await syncPath(file); // most of it while the client goes on
    await home.stepping(() => pivot(hfs, home, file));
  } finally {
    free();
  }
}

/** Somebody works with this home meanwhile. What goes wrong with the pace does not concern the move. */
function paceUntil(hfs: Hfs, { qmp, record }: Running, copied: Promise<unknown>): void {
  let isOver = false;
  const end = (): void => void (isOver = true);
  copied.then(end, end);
  paceMove(
    qmp,
    () => record.export.port,
    hfs.site.config.hfs.moveBytesPerSecond,
    () => isOver,
  ).catch((error: unknown) =>
    hfs.log.debug({ login: record.login, error: String(error) }, 'home: its move has no pace'),
  );
}

/** The last steps, from wherever they were left: the client is held in between. */
async function pivot(hfs: Hfs, home: Running, file: string): Promise<void> {
  const { record, qmp } = home;
  let job = await untilJob(qmp, 'ready', 'pending');
  if (job.status === 'ready') {
    await completeMove(qmp);
    job = await untilJob(qmp, 'pending');
  }
  if (job.status === 'pending') {
    await syncPath(file);
    await recordOwner(hfs, home);
    await finalizeMove(qmp);
    job = await untilJob(qmp);
  }
  mustGoOn(record, job);
  record.mode = 'serve';
  delete record.from;
  await writeRecord(hfs.runRoot, record);
  await markWhole(file);
  await dismissMove(qmp);
}

function mustGoOn({ login }: HomeRecord, job: Job): void {
  if (job.error !== undefined) throw new ProloError('failed', `home ${login}: ${job.error}`);
}

/**
 * Both sides are equal and the client is held: the source's export ends, and hfsdb records the new owner. As long as there is
 * neither a yes nor a clear no, it is asked again: it may have been recorded, and its answer lost.
 */
async function recordOwner(hfs: Hfs, home: Running): Promise<void> {
  const { login, epoch } = home.record;
  for (const deadline = performance.now() + HOLD_MS; ; await sleep(200))
    try {
      await hfs.hfsdb.call('finish_move', { login, hfs: hfs.number, epoch });
      return;
    } catch (error) {
      const known = asProloError(error);
      const isNo = known.kind === 'conflict' || known.kind === 'not-found';
      if (isNo || performance.now() > deadline || home.ending) throw known;
      hfs.log.warn({ login, epoch, error: known.message }, 'home: waits for hfsdb to record its new owner');
    }
}

const isFull = (error: unknown): boolean => /no space left/i.test(String(error));

/**
 * Ends a home whose move failed. Its client sees its disk go; the next login starts from the source, whole, or from here. The
 * job is not cancelled before: whoever is held would go on at the source, and be told that it has what hfsdb may just then
 * record as an old image.
 */
export async function endFetch(hfs: Hfs, home: Running): Promise<void> {
  const { login, epoch } = home.record;
  if (hfs.running.get(login) !== home) return;
  await endHome(hfs, login);
  await giveUp(hfs, login, epoch);
}

/** Resolves when no move to here is going on: it is finished, or, after `waitMs`, given up. */
export async function settleMove(hfs: Hfs, login: string, waitMs: number): Promise<void> {
  const home = hfs.running.get(login);
  if (!home?.moving) return;
  await Promise.race([home.moving, sleep(waitMs, undefined, { ref: false })]);
  await hfs.locked(login, async () => {
    if (home.record.mode === 'fetch') await endFetch(hfs, home);
  });
}
