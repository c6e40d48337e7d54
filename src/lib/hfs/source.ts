import { existsSync, readFileSync, statSync } from 'node:fs';
import { ProloError } from '../errors.ts';
import { writeFileAtomic } from '../write-file.ts';
import { newToken, openExport } from './export.ts';
import { usedBytes } from './image.ts';
import { endProcess, isAlive, launch, type ProcessId } from './launch.ts';
import type { Source } from './protocol.ts';
import { writeRecord } from './record.ts';
import { addRunning, discard, mustBeWhole, startBeside, unitName } from './serve.ts';
import { endHome, type Hfs, noteDeparture, type Running } from './server.ts';
import { addImage, serveHome, unserveHome } from './storage.ts';
import { isListening } from './tcp-table.ts';

interface Departure {
  login: string;
  /** Of the image here. */
  epoch: number;
  /** Of the image that it will be there. */
  targetEpoch: number;
  /** The mover's address. */
  peer: string;
}

/**
 * Serves a home to the server that it moves to, and to nobody else any more; repeated, it answers the same.
 * @throws ProloError `conflict` for a move that a later one has replaced
 */
export async function beginSource(hfs: Hfs, departure: Departure): Promise<Source> {
  const { login, epoch, targetEpoch, peer } = departure;
  const file = hfs.imageFile(login, epoch);
  mustBeNewest(hfs, departure, true);
  noteDeparture(hfs, login);
  let home = hfs.running.get(login);
  if (home && (home.record.epoch !== epoch || !isAlive(home.record.storage))) {
    await endHome(hfs, login);
    home = undefined;
  }
  if (home?.record.mode === 'source' && home.record.targetEpoch === targetEpoch && isAlive(home.record.front))
    return describeSource(hfs, home, file);
  if (home) {
    const running = home;
    // Where it has just moved here, its last step is done before it goes on.
    await running.stepping(async () => {
      await unserveHome(running.qmp);
      await hfs.firewall.deny(running.record.export);
      await serveMover(hfs, running, departure);
    });
    return describeSource(hfs, home, file);
  }
  const { storage } = await startBeside(hfs, login, () => mustBeWhole(hfs, login, file));
  try {
    await addImage(storage.qmp, file);
    const none = { name: '', port: 0, peer };
    home = await addRunning(hfs, storage, { login, epoch, mode: 'source', export: none, targetEpoch });
  } catch (error) {
    await discard(storage);
    throw error;
  }
  await serveMover(hfs, home, departure);
  return describeSource(hfs, home, file);
}

async function serveMover(hfs: Hfs, home: Running, { login, targetEpoch, peer }: Departure): Promise<void> {
  const name = newToken();
  home.record.export = await openExport(hfs, name, peer, async (port) => {
    await serveHome(home.qmp, 'image', name, hfs.runDir(login).nbd);
    home.record.front = await launchFront(hfs, login, port);
  });
  home.record.mode = 'source';
  home.record.targetEpoch = targetEpoch;
  await writeRecord(hfs.runRoot, home.record);
}

/**
 * What puts a home's unix socket on TCP. QEMU's own TCP server waits for delayed acknowledgements while a home moves: 24
 * flushed writes a second instead of 1,400 (bench/RESULTS.md).
 */
export async function launchFront(hfs: Hfs, login: string, port: number): Promise<ProcessId> {
  const { nbd, log } = hfs.runDir(login);
  const listen = `TCP-LISTEN:${port},bind=${hfs.host},reuseaddr,nodelay,keepalive,fork,max-children=1`;
  const front = await launch(
    unitName(hfs, login, '-front'),
    ['socat', '-b', '262144', listen, `UNIX-CONNECT:${nbd}`],
    log,
  );
  try {
    await untilListening(hfs.host, port, front);
    return front;
  } catch (error) {
    await endProcess(front);
    throw error;
  }
}

async function untilListening(host: string, port: number, front: ProcessId): Promise<void> {
  for (const deadline = performance.now() + 5_000; performance.now() < deadline;) {
    if (isListening(readFileSync('/proc/net/tcp', 'latin1'), `${host}:${port}`)) return;
    if (!isAlive(front)) throw new ProloError('failed', `port ${port}: already in use`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new ProloError('failed', `port ${port}: socat does not listen on it`);
}

function describeSource(hfs: Hfs, { record }: Running, file: string): Source {
  const { name, port } = record.export;
  return { host: hfs.host, port, export: name, size_bytes: statSync(file).size, used_bytes: usedBytes(file) };
}

/**
 * The durable word that this server serves that image no more. After it no write can reach the image, and nothing but a
 * later move, or hfsdb's row, ever lets it be served again.
 */
export async function endSource(hfs: Hfs, departure: Omit<Departure, 'peer'>): Promise<void> {
  const { login, epoch, targetEpoch } = departure;
  mustBeNewest(hfs, { ...departure, peer: '' });
  noteDeparture(hfs, login);
  if ((hfs.running.get(login)?.record.epoch ?? 0) <= epoch) await endHome(hfs, login);
  await writeFileAtomic(
    endedFile(hfs, login, epoch),
    JSON.stringify({ targetEpoch, at: new Date().toISOString() }),
  );
}

export function endedFile(hfs: Hfs, login: string, epoch: number): string {
  return hfs.imageFile(login, epoch).replace(/img$/, 'ended');
}

/** @param begins after its word for a move, this server does not begin that same one again */
function mustBeNewest(hfs: Hfs, { login, epoch, targetEpoch }: Departure, begins = false): void {
  const word = endedFile(hfs, login, epoch);
  const given = existsSync(word)
    ? (JSON.parse(readFileSync(word, 'utf8')) as { targetEpoch: number }).targetEpoch
    : 0;
  const newest = Math.max(given, hfs.running.get(login)?.record.targetEpoch ?? 0);
  if (newest > targetEpoch || (begins && given === targetEpoch))
    throw new ProloError('conflict', `home ${login}: its move at epoch ${targetEpoch} is over`);
}
