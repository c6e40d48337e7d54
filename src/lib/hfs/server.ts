import { lookup } from 'node:dns/promises';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { ProloError } from '../errors.ts';
import { createLock, createLocks, type Lock } from '../locks.ts';
import type { Logger } from '../log.ts';
import type { RpcClient } from '../rpc/client.ts';
import { hfsUrl, type Site } from '../site/site.ts';
import { hfsClient, hfsdbClient } from './clients.ts';
import { createFirewall, type Firewall } from './firewall.ts';
import { ownerOf } from './home-name.ts';
import { imageName } from './image.ts';
import { endProcess } from './launch.ts';
import type { Qmp } from './qmp.ts';
import { type HomeRecord, readBootId, removeRecord, runDirOf, type RunDir } from './record.ts';
import { createSlots, type Slots } from './slots.ts';
import { unserveHome } from './storage.ts';

/** A home that something runs for. */
export interface Running {
  record: HomeRecord;
  qmp: Qmp;
  /** performance.now() of when this process started it, or found it. */
  sinceMs: number;
  /** Its end is wanted: that it stops is no accident. */
  ending: boolean;
  /** Settles when its move to here has ended, either way. */
  moving?: Promise<void>;
  /** One at a time: a new export, a step of a move. */
  stepping: Lock;
}

export function asRunning(record: HomeRecord, qmp: Qmp): Running {
  return { record, qmp, sinceMs: performance.now(), ending: false, stepping: createLock() };
}

/** One home file server: what its parts share. */
export interface Hfs {
  site: Site;
  log: Logger;
  number: number;
  /** The address that homes are served on. */
  host: string;
  bootId: string;
  running: Map<string, Running>;
  hfsdb: RpcClient;
  firewall: Firewall;
  slots: Slots;
  /** Of an image: `<dir>/<N>/<login>.<epoch>.img`. */
  imageFile(login: string, epoch: number): string;
  imageDir: string;
  runRoot: string;
  runDir(login: string): RunDir;
  /** One thing at a time for each login. */
  locked<T>(login: string, work: () => Promise<T>): Promise<T>;
  /** Counts the moves away that were asked for, by owner, so that an answer of hfsdb from before is known to be old. */
  departures: Map<string, number>;
  peer(hfs: number): RpcClient;
}

/** Whose home it is, is known before which of theirs hfsdb will answer with. */
export function noteDeparture({ departures }: Hfs, home: string): void {
  const owner = ownerOf(home);
  departures.set(owner, (departures.get(owner) ?? 0) + 1);
}

/** How long the last writes may take, where a disk hangs. */
const END_MS = 1_500;

/** Longer than the slowest thing that one server asks another for. */
const CALL_MS = 25_000;

/** @throws ProloError `config` when its address cannot be found out */
export async function createHfs(site: Site, log: Logger, number: number): Promise<Hfs> {
  const { config } = site;
  const { hostname } = new URL(hfsUrl(config, number));
  const host = await lookup(hostname, { family: 4 }).then(
    ({ address }) => address,
    (cause: unknown) => {
      throw new ProloError('config', `hfs ${number}: no address for ${hostname}`, {
        hint: `give a machine of MDB the alias hfs${number}, or set hfs.url in prolo.yml`,
        cause,
      });
    },
  );
  const imageDir = resolve(site.statePath(), config.hfs.dir, String(number));
  const runRoot = resolve(site.statePath(), config.hfs.runDir, `hfs${number}`);
  mkdirSync(imageDir, { recursive: true, mode: 0o700 });
  mkdirSync(runRoot, { recursive: true, mode: 0o700 });
  return {
    site,
    log,
    number,
    host,
    bootId: readBootId(),
    running: new Map(),
    hfsdb: hfsdbClient(site, CALL_MS),
    firewall: await createFirewall(config.hfs, log),
    slots: createSlots(config.hfs.movesAtOnce),
    imageDir,
    imageFile: (login, epoch) => resolve(imageDir, imageName({ login, epoch })),
    runRoot,
    runDir: (login) => runDirOf(runRoot, login),
    locked: createLocks(),
    departures: new Map(),
    peer: (hfs) => hfsClient(site, hfs, CALL_MS),
  };
}

/**
 * Ends what runs for a home: first its export, which waits for what is on its way to the file, then its processes. No write
 * can reach the image afterwards. SIGKILL takes nothing away: QEMU keeps nothing back of a raw image.
 */
export async function endHome(hfs: Hfs, login: string): Promise<void> {
  const home = hfs.running.get(login);
  if (!home) return;
  home.ending = true;
  const { record, qmp } = home;
  await hfs.firewall.deny(record.export);
  await Promise.race([
    unserveHome(qmp).catch(() => undefined),
    new Promise((done) => setTimeout(done, END_MS).unref()),
  ]);
  qmp.close();
  await Promise.all([endProcess(record.storage), endProcess(record.front)]);
  removeRecord(hfs.runRoot, login);
  hfs.running.delete(login);
  hfs.log.info({ login, epoch: record.epoch }, 'home: no longer served');
}
