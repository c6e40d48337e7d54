import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { asProloError, ProloError } from '../errors.ts';
import { openToClient } from './export.ts';
import { fetchHome } from './fetch.ts';
import { checkImage, checkSpace, createImage, damagedName } from './image.ts';
import { endProcess, isAlive } from './launch.ts';
import type { Opened } from './protocol.ts';
import { type Export, type HomeRecord, writeRecord } from './record.ts';
import { asRunning, endHome, type Hfs, type Running } from './server.ts';
import { addImage, nodeOfMove, startStorage, type Storage, unserveHome } from './storage.ts';
import { markWhole } from './unfinished.ts';
import { watchHome } from './watch.ts';

/** How often what hfsdb said is asked again, when the home was on its way elsewhere meanwhile. */
const ATTEMPTS = 5;

/**
 * What a client at `ip` connects to for the home of `login`: made, found here, or on its way here.
 * @throws ProloError whose message is for the person who logs in
 */
export async function openHome(hfs: Hfs, login: string, ip: string): Promise<Export> {
  for (let attempt = 1; ; attempt++) {
    const departures = hfs.departures.get(login) ?? 0;
    const opened = (await hfs.hfsdb.call('open', { login, hfs: hfs.number, ip })) as Opened;
    const home = opened.login;
    const result = await hfs.locked(home, async () => {
      if ((hfs.departures.get(login) ?? 0) !== departures) return undefined;
      if (opened.action === 'fetch') return fetchHome(hfs, opened);
      if (opened.action === 'create') return serveHere(hfs, opened, () => createHome(hfs, opened));
      return serveHere(hfs, opened, () => mustBeWhole(hfs, home, hfs.imageFile(home, opened.epoch)));
    });
    if (result) return result;
    if (attempt === ATTEMPTS)
      throw new ProloError('unavailable', `home ${login}: it is moving to and fro`, {
        hint: 'try again in a moment',
      });
  }
}

async function createHome(hfs: Hfs, { login, uid, gid, group, epoch, size_bytes }: Opened): Promise<void> {
  const { config, dir } = hfs.site;
  const file = hfs.imageFile(login, epoch);
  if (existsSync(file)) await mustBeWhole(hfs, login, file);
  else {
    await checkSpace(hfs.imageDir, 0, `a new home for ${login}`);
    const skeleton = resolve(dir, config.hfs.skeleton.replaceAll('{group}', group));
    await createImage({ file, sizeBytes: size_bytes, uid, gid, skeleton });
    hfs.log.info({ login, epoch, sizeBytes: size_bytes }, 'home: created');
  }
  await hfs.hfsdb.call('created', { login, hfs: hfs.number, epoch });
}

/** @param makeSure that the image is there, and sound; the process that will serve it starts meanwhile, and does not know it */
async function serveHere(hfs: Hfs, opened: Opened, makeSure: () => Promise<void>): Promise<Export> {
  const { login, epoch, seat } = opened;
  const there = reusable(hfs, login, epoch);
  if (there) return replaceExport(hfs, there, seat.ip);
  await endHome(hfs, login);
  const { storage } = await startBeside(hfs, login, makeSure);
  try {
    await addImage(storage.qmp, hfs.imageFile(login, epoch));
    const out = await openToClient(hfs, storage.qmp, 'image', login, seat.ip);
    await addRunning(hfs, storage, { login, epoch, mode: 'serve', export: out });
    return out;
  } catch (error) {
    await discard(storage);
    throw error;
  }
}

/**
 * Starts a home's storage, with nothing in it, beside what has to be done anyway.
 * @throws what `work` threw, or that it cannot start; nothing is left running then
 */
export async function startBeside<T>(
  hfs: Hfs,
  login: string,
  work: () => Promise<T>,
): Promise<{ done: T; storage: Storage }> {
  const starting = startStorage(unitName(hfs, login), hfs.runDir(login));
  const [worked, started] = await Promise.allSettled([work(), starting]);
  if (worked.status === 'fulfilled' && started.status === 'fulfilled')
    return { done: worked.value, storage: started.value };
  if (started.status === 'fulfilled') await discard(started.value);
  throw worked.status === 'rejected' ? worked.reason : (started as PromiseRejectedResult).reason;
}

export function unitName(hfs: Hfs, login: string, part = ''): string {
  return `prolo-home@${hfs.number}-${login}${part}`;
}

/** What serves that very image to clients already. */
export function reusable(hfs: Hfs, login: string, epoch: number): Running | undefined {
  const home = hfs.running.get(login);
  const fits = home?.record.epoch === epoch && home.record.mode !== 'source' && isAlive(home.record.storage);
  return fits ? home : undefined;
}

/** A new name and port for whoever sits there now; a client that still holds the old ones is cut off. */
export async function replaceExport(hfs: Hfs, home: Running, ip: string): Promise<Export> {
  return home.stepping(async () => {
    const { record, qmp } = home;
    await hfs.firewall.deny(record.export);
    await unserveHome(qmp); // its port may be the last that is free
    const node = record.mode === 'fetch' ? await nodeOfMove(qmp) : 'image';
    record.export = await openToClient(hfs, qmp, node, record.login, ip);
    home.sinceMs = performance.now();
    await writeRecord(hfs.runRoot, record);
    return record.export;
  });
}

/** From now on it is known, watched, and found again after a restart. */
export async function addRunning(
  hfs: Hfs,
  { process, qmp }: Storage,
  what: Omit<HomeRecord, 'bootId' | 'storage'>,
): Promise<Running> {
  const record: HomeRecord = { ...what, bootId: hfs.bootId, storage: process };
  await writeRecord(hfs.runRoot, record);
  const home = asRunning(record, qmp);
  hfs.running.set(record.login, home);
  watchHome(hfs, home);
  hfs.log.info({ login: record.login, epoch: record.epoch, mode: record.mode }, 'home: served');
  return home;
}

/** Ends a storage process that nobody knows of yet. */
export async function discard({ qmp, process }: Storage): Promise<void> {
  qmp.close();
  await endProcess(process);
}

/** Of an image that hfsdb's row names. @throws ProloError that tells the person whom to ask */
export async function mustBeWhole(hfs: Hfs, login: string, file: string): Promise<void> {
  const hint = `ask an organiser: \`prolo hfs doctor\` and \`prolo hfs restore ${login}\` help`;
  if (existsSync(file))
    try {
      await checkImage(file);
      return await markWhole(file);
    } catch (error) {
      if (asProloError(error).kind !== 'refused') throw error;
      hfs.log.error({ login, error: String(error) }, 'home: damaged');
    }
  const what = existsSync(damagedName(file)) ? 'is damaged and was kept aside' : 'is not where it should be';
  throw new ProloError('refused', `the home of ${login} ${what} on hfs ${hfs.number}`, { hint });
}
