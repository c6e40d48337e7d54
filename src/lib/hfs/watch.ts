import { asProloError } from '../errors.ts';
import { driveMove, giveUp } from './fetch.ts';
import { endProcess, isAlive } from './launch.ts';
import { connectQmp } from './qmp.ts';
import { type HomeRecord, readRecords, removeRecord, writeRecord } from './record.ts';
import { asRunning, endHome, type Hfs, type Running } from './server.ts';
import { launchFront } from './source.ts';
import { addImage, serveHome, startStorage } from './storage.ts';
import { unitName } from './serve.ts';
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Deaths of one home's storage within this time are one too many. */
const SOON_MS = 2_000;

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
  if (performance.now() - home.sinceMs < SOON_MS && home.record.mode === 'serve') {
    removeRecord(hfs.runRoot, login);
    return;
  }
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
    removeRecord(hfs.runRoot, login);
    return giveUp(hfs, login, epoch);
  }
  const run = hfs.runDir(login);
  const { process, qmp } = await startStorage(unitName(hfs, login), run);
  await addImage(qmp, hfs.imageFile(login, epoch));
  const { name, port } = record.export;
  const revived: HomeRecord = { ...record, storage: process };
  if (mode === 'source') {
    await serveHome(qmp, 'image', name, run.nbd);
    if (!isAlive(record.front)) revived.front = await launchFront(hfs, login, port);
  } else await serveHome(qmp, 'image', name, { host: hfs.host, port });
  await writeRecord(hfs.runRoot, revived);
  const home = asRunning(revived, qmp);
  hfs.running.set(login, home);
  watchHome(hfs, home);
  hfs.log.info({ login, epoch, mode }, 'home: served again');
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
  const known = new Set(records.map(({ login }) => login));
  for (const login of readdirSync(hfs.runRoot).filter((entry) => !known.has(entry)))
    await endUnknown(hfs, login);
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
  const qmp = await connectQmp(hfs.runDir(login).monitor);
  if (mode === 'source' && !isAlive(record.front)) {
    record.front = await launchFront(hfs, login, record.export.port);
    await writeRecord(hfs.runRoot, record);
  }
  const home = asRunning(record, qmp);
  hfs.running.set(login, home);
  watchHome(hfs, home);
  if (mode === 'fetch') driveMove(hfs, home, true);
  hfs.log.info({ login, epoch, mode }, 'home: found running');
}

/** A storage that was started and never written down serves nobody. */
async function endUnknown(hfs: Hfs, login: string): Promise<void> {
  const qmp = await connectQmp(hfs.runDir(login).monitor, 0).catch(() => undefined);
  await qmp?.execute('quit').catch(() => undefined);
  await qmp?.closed;
  removeRecord(hfs.runRoot, login);
}

/** Ends all homes, or leaves them running for the next process of this server. */
export async function closeHomes(hfs: Hfs, keep: boolean): Promise<void> {
  await Promise.all(
    [...hfs.running.values()].map(async (home) => {
      const { login, epoch, mode } = home.record;
      home.ending = true;
      if (keep) return home.qmp.close();
      await endHome(hfs, login);
      if (mode === 'fetch') await giveUp(hfs, login, epoch);
    }),
  );
}
