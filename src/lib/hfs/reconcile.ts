import { readFileSync } from 'node:fs';
import { asProloError } from '../errors.ts';
import { endFetch, giveUp } from './fetch.ts';
import { listImages } from './image.ts';
import type { Home, HomeStatus } from './protocol.ts';
import type { HomeRecord } from './record.ts';
import { endHome, type Hfs, noteDeparture, type Running } from './server.ts';
import { removeUnfinished } from './unfinished.ts';
import { connectedClients } from './tcp-table.ts';

/** Between a session's end and the end of what serves its home: a heartbeat may only be late. */
const GRACE_MS = 10_000;

/** What was seen before, by performance.now(): it may be over soon by itself. */
export interface Noticed {
  /** Homes that nobody sits at. */
  emptySince: Map<string, number>;
  /** Moves to here that nothing runs for, by login and epoch. */
  brokenSince: Map<string, number>;
}

export const createNoticed = (): Noticed => ({ emptySince: new Map(), brokenSince: new Map() });

/**
 * Whether a home that nobody sits at is ended. A client that is still connected may have lost nothing but the way to the gateway:
 * then presence has forgotten it, and its next heartbeat makes it known again.
 */
export function isOver(emptyMs: number, isConnected: boolean, timeoutSeconds: number): boolean {
  return emptyMs >= (isConnected ? Math.max(GRACE_MS, timeoutSeconds * 1000) : GRACE_MS);
}

/** What hfsdb's row lets a server do with what it runs. */
export function mayServe(record: HomeRecord, row: Home | undefined, number: number): boolean {
  if (!row) return false;
  const owns = row.hfs === number && row.epoch === record.epoch;
  const receives = row.target === number && row.target_epoch === record.epoch;
  if (record.mode === 'fetch') return owns || receives;
  if (record.mode === 'serve') return owns;
  return owns && row.state === 'moving' && row.target_epoch === record.targetEpoch;
}

/** Whether an unfinished image is what a broken move left: its epoch was handed out, and came to nothing. */
export function isLeftOver(epoch: number, row: Home, number: number): boolean {
  const owns = row.hfs === number && row.epoch === epoch;
  const receives = row.target === number && row.target_epoch === epoch;
  return epoch <= row.last_epoch && !owns && !receives;
}

/**
 * Makes this server do what hfsdb says: what it may not serve any more is ended at once, what nobody sits at any more after
 * a while, and attempts of moves that broke are given up.
 */
export async function reconcile(hfs: Hfs, { emptySince, brokenSince }: Noticed): Promise<void> {
  const askedMs = performance.now();
  const rows = (await hfs.hfsdb.call('homes', { hfs: hfs.number })) as HomeStatus[];
  const byLogin = new Map(rows.map((row) => [row.login, row]));
  for (const login of emptySince.keys()) if (!hfs.running.has(login)) emptySince.delete(login);

  /** What changed after the question is judged by the next answer. */
  const isOld = (login: string): boolean => (hfs.running.get(login)?.sinceMs ?? 0) > askedMs;
  const guarded = (login: string, work: () => Promise<void>): Promise<void> =>
    hfs
      .locked(login, async () => (isOld(login) ? undefined : work()))
      .catch((error: unknown) =>
        hfs.log.error({ login, error: asProloError(error).message }, 'home: cannot follow hfsdb'),
      );

  const clients = connectedClients(readFileSync('/proc/net/tcp', 'latin1'));
  const { timeoutSeconds } = hfs.site.config.presence;
  const jobs = [...hfs.running.values()].map((home) =>
    guarded(home.record.login, async () => {
      const { record } = home;
      const { login, epoch } = record;
      const row = byLogin.get(login);
      if (!mayServe(record, row, hfs.number)) {
        hfs.log.warn({ login, epoch, owner: row?.hfs, ownerEpoch: row?.epoch }, 'home: no longer ours');
        await endHome(hfs, login);
      } else if (row?.seat || home.moving || record.mode === 'source') emptySince.delete(login);
      // A session that came and went between two questions starts it anew.
      else if ((emptySince.get(login) ?? -1) <= home.sinceMs) emptySince.set(login, askedMs);
      else if (isOver(askedMs - emptySince.get(login)!, clients.has(addressOf(hfs, home)), timeoutSeconds))
        await end(hfs, home);
    }),
  );
  const broken = rows.filter(
    (row) => row.state === 'moving' && row.target === hfs.number && !hfs.running.has(row.login),
  );
  const moves = new Set(broken.map(({ login, target_epoch }) => `${login}.${target_epoch}`));
  for (const move of brokenSince.keys()) if (!moves.has(move)) brokenSince.delete(move);
  for (const { login, target_epoch } of broken) {
    const move = `${login}.${target_epoch}`;
    // The answer that begins it may still be on its way here.
    if (!brokenSince.has(move)) brokenSince.set(move, askedMs);
    else
      jobs.push(
        guarded(login, async () => {
          if (hfs.running.has(login)) return;
          noteDeparture(hfs, login);
          await giveUp(hfs, login, target_epoch!);
        }),
      );
  }
  await Promise.all(jobs);
  for (const { login, epoch } of listImages(hfs.imageDir)) {
    const row = byLogin.get(login);
    if (!row || !isLeftOver(epoch, row, hfs.number)) continue;
    await guarded(login, async () => {
      if (hfs.running.get(login)?.record.epoch !== epoch) await removeUnfinished(hfs.imageFile(login, epoch));
    });
  }
}

const addressOf = (hfs: Hfs, { record }: Running): string => `${hfs.host}:${record.export.port}`;

function end(hfs: Hfs, home: Running): Promise<void> {
  return home.record.mode === 'fetch' ? endFetch(hfs, home) : endHome(hfs, home.record.login);
}
