import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asProloError } from '../errors.ts';
import { driveMove, giveUp } from './fetch.ts';
import { endProcess, findProcesses, isAlive } from './launch.ts';
import { connectQmp } from './qmp.ts';
import { type HomeRecord, readRecords, removeRecord, writeRecord } from './record.ts';
import { discard, unitName } from './serve.ts';
import { asRunning, endHome, type Hfs, type Running } from './server.ts';
import { launchFront } from './source.ts';
import { addImage, serveHome, startStorage } from './storage.ts';

/** Deaths of one home's storage within this time are one too many. */
const SOON_MS = 2_000;

/** How long the storage of an earlier process of this server may take to answer. */
const ADOPT_MS = 10_000;

/** Starts a home's storage anew when it dies, unless its end is wanted. */
export function watchHome(hfs: Hfs, home: Running): void {
  void home.qmp.closed.then(async () => {
    if (home.ending) return;
    const { login } = home.record;
    await hfs
      .locked(login, () => onDeath(hfs, home))
      .catch((error: unknown) =>
        hfs.log.error({ login, error: asProloError(error).message }, 'home: its storage cannot start again'),
      );
  });
}

async function onDeath(hfs: Hfs, home: Running): Promise<void> {
  const { login } = home.record;
  if (home.ending || hfs.running.get(login) !== home) return;
  hfs.log.error({ login, epoch: home.record.epoch }, 'home: its storage died');
  hfs.running.delete(login);
  if (performance.now() - home.sinceMs < SOON_MS && home.record.mode === 'serve')
    return forget(hfs, home.record);
  await revive(hfs, home.record);
}

/**
 * The same storage again, under the same names: a process died, and what it had acknowledged is in this kernel's memory. A
 * home that was moving here is given up instead: it is whole at its source only.
 */
async function revive(hfs: Hfs, record: HomeRecord): Promise<void> {
  const { login, epoch, mode } = record;
  await endProcess(record.storage);
  if (mode === 'fetch') {
    await forget(hfs, record);
    return giveUp(hfs, login, epoch);
  }
  const run = hfs.runDir(login);
  try {
    const storage = await startStorage(unitName(hfs, login), run);
    try {
      await addImage(storage.qmp, hfs.imageFile(login, epoch));
      const { name, port } = record.export;
      const revived: HomeRecord = { ...record, storage: storage.process };
      if (mode === 'source') {
        await serveHome(storage.qmp, 'image', name, run.nbd);
        if (!isAlive(record.front)) revived.front = await launchFront(hfs, login, port);
      } else await serveHome(storage.qmp, 'image', name, { host: hfs.host, port });
      await writeRecord(hfs.runRoot, revived);
      const home = asRunning(revived, storage.qmp);
      hfs.running.set(login, home);
      watchHome(hfs, home);
    } catch (error) {
      // Whatever is left would keep its image from the next one.
      await discard(storage);
      throw error;
    }
  } catch (error) {
    await forget(hfs, record);
    throw error;
  }
  hfs.log.info({ login, epoch, mode }, 'home: served again');
}

/** Nothing runs for that home any more, and nobody is to find it again. */
async function forget(hfs: Hfs, record: HomeRecord): Promise<void> {
  await endProcess(record.front);
  await hfs.firewall.deny(record.export);
  removeRecord(hfs.runRoot, record.login);
}

/** Puts homes that move away on TCP again where what did so died: their movers wait for `hfs.reconnectSeconds` only. */
export async function mendFronts(hfs: Hfs): Promise<void> {
  const isBroken = ({ record, ending }: Running): boolean =>
    record.mode === 'source' && !ending && record.front !== undefined && !isAlive(record.front);
  await Promise.all(
    [...hfs.running.values()].filter(isBroken).map((home) => {
      const { login } = home.record;
      return hfs
        .locked(login, async () => {
          if (hfs.running.get(login) !== home || !isBroken(home)) return;
          home.record.front = await launchFront(hfs, login, home.record.export.port);
          await writeRecord(hfs.runRoot, home.record);
          hfs.log.warn(
            { login, epoch: home.record.epoch },
            'home: what puts it on TCP died, and was started again',
          );
        })
        .catch((error: unknown) =>
          hfs.log.error(
            { login, error: asProloError(error).message },
            'home: cannot be reached by its mover',
          ),
        );
    }),
  );
}

/** Finds what an earlier process of this server left running, and what died meanwhile. */
export async function adoptHomes(hfs: Hfs): Promise<void> {
  for (const name of readdirSync(hfs.imageDir).filter((entry) => entry.startsWith('.new-')))
    await rm(join(hfs.imageDir, name), { recursive: true, force: true });
  const records = readRecords(hfs.runRoot);
  await endUnknown(hfs, records);
  await Promise.all(
    records.map((record) =>
      hfs
        .locked(record.login, () => adopt(hfs, record))
        .catch((error: unknown) =>
          hfs.log.error({ login: record.login, error: asProloError(error).message }, 'home: not found again'),
        ),
    ),
  );
}

async function adopt(hfs: Hfs, record: HomeRecord): Promise<void> {
  const { login, epoch, mode } = record;
  if (record.bootId !== hfs.bootId) {
    // What this machine acknowledged before it lost its power may be gone: nobody goes on with it unasked.
    removeRecord(hfs.runRoot, login);
    if (mode === 'fetch') await giveUp(hfs, login, epoch);
    return;
  }
  await hfs.firewall.allow(record.export);
  if (!isAlive(record.storage)) return revive(hfs, record);
  let qmp;
  try {
    qmp = await connectQmp(hfs.runDir(login).monitor, ADOPT_MS);
    if (mode === 'source' && !isAlive(record.front)) {
      record.front = await launchFront(hfs, login, record.export.port);
      await writeRecord(hfs.runRoot, record);
    }
  } catch (error) {
    // It cannot be told anything any more, and as long as it lives nothing else may have its image.
    hfs.log.error({ login, epoch, error: asProloError(error).message }, 'home: its storage is started anew');
    qmp?.close();
    return revive(hfs, record);
  }
  const home = asRunning(record, qmp);
  hfs.running.set(login, home);
  watchHome(hfs, home);
  if (mode === 'fetch') driveMove(hfs, home, true);
  hfs.log.info({ login, epoch, mode }, 'home: found running');
}

/** What was started and never written down, or whose record is gone, can be found by nobody, and holds its image. */
async function endUnknown(hfs: Hfs, records: readonly HomeRecord[]): Promise<void> {
  const known = new Set(records.flatMap(({ storage, front }) => [storage.pid, front?.pid]));
  for (const stray of findProcesses(hfs.runRoot).filter(({ pid }) => !known.has(pid)))
    await endProcess(stray).catch((error: unknown) =>
      hfs.log.error(
        { pid: stray.pid, error: asProloError(error).message },
        'homes: a process that nobody knows',
      ),
    );
  const logins = new Set(records.map(({ login }) => login));
  for (const login of readdirSync(hfs.runRoot)) if (!logins.has(login)) removeRecord(hfs.runRoot, login);
}

/** Ends all homes, or leaves them running for the next process of this server. */
export async function closeHomes(hfs: Hfs, keep: boolean): Promise<void> {
  await Promise.all(
    [...hfs.running.values()].map(async (home) => {
      const { login, epoch, mode } = home.record;
      home.ending = true;
      if (keep) return home.qmp.close();
      await endHome(hfs, login).catch((error: unknown) =>
        hfs.log.error({ login, error: asProloError(error).message }, 'home: does not end'),
      );
      if (mode === 'fetch') await giveUp(hfs, login, epoch);
    }),
  );
}
