import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asProloError, ProloError } from '../lib/errors.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { createLock } from '../lib/locks.ts';
import { pingPresence, tellPresence } from '../lib/presence/client.ts';
import { repeat } from '../lib/repeat.ts';
import { keepReporting } from '../lib/rfs/running-report.ts';
import { askHome } from '../lib/seat/ask-home.ts';
import { keepClock, tellOnTime } from '../lib/seat/clock.ts';
import { askMdb, type Identity, ownAddresses, pickIdentity } from '../lib/seat/identity.ts';
import { createSeat } from '../lib/seat/seat.ts';
import { readSession, writeSession } from '../lib/seat/session-file.ts';
import { listenForPam } from '../lib/seat/socket.ts';
import { createSeatSystem } from '../lib/seat/system.ts';

const WATCH_MS = 500;
const IDENTITY_MS = 60_000;
const RETRY_MS = 2_000;

/** What a seat does at login and logout: one a PC, its root's. */
export const start: StartDaemon = async ({ site, log }) => {
  const { config } = site;
  for (const name of ['presencesync.publish', 'hfs.shared'] as const) site.secret(name);
  const system = createSeatSystem();
  const socket = resolve(site.statePath(), config.presence.socket);
  const record = `${socket}.session`;
  let identity: Identity | undefined;
  /** Why nobody can log in, where that is so. */
  let trouble: ProloError | undefined;
  let stopped = false;

  /** Who this machine is, and what time it is: without both there is no login. */
  async function identify(): Promise<void> {
    try {
      const addresses = ownAddresses();
      const { machines, clockOffSeconds } = await askMdb(site, addresses);
      const wrong = await keepClock(system, log, clockOffSeconds, Date.now);
      trouble =
        wrong === undefined ? undefined : new ProloError('failed', wrong, { hint: 'ask an organiser' });
      identity = pickIdentity(machines, addresses);
    } catch (error) {
      const { kind, message } = asProloError(error);
      log.warn({ error: message }, 'mdb: does not say who this machine is, trying again');
      // What it said before may still be so, where it does not answer now.
      if (kind === 'not-found') trouble = asProloError(error);
    }
  }
  const keepIdentity = async (): Promise<void> => {
    while (!stopped) {
      await sleep(identity && !trouble ? IDENTITY_MS : RETRY_MS, undefined, { ref: false });
      await identify();
    }
  };

  const writing = createLock();
  const seat = createSeat({
    log,
    system,
    identity() {
      if (trouble) throw trouble;
      if (identity) return identity;
      throw new ProloError('unavailable', 'the gateway does not answer, so nobody can log in now', {
        hint: 'ask an organiser',
      });
    },
    tellPresence: (verb, pair) => tellOnTime(() => tellPresence(site, verb, pair), identify),
    askHome: (hfs, login) => askHome(site, hfs, login),
    remember: (session) =>
      writing(() => writeSession(record, session)).catch((error: unknown) =>
        log.error({ error: String(error) }, 'session: not written down'),
      ),
    nowMs: () => performance.now(),
    openMs: config.presence.openSeconds * 1000,
  });

  await system
    .prepare()
    .catch((error: unknown) => log.error({ error: asProloError(error).message }, 'nbd: no module'));
  await identify();
  await seat
    .resume(readSession(record))
    .catch((error: unknown) => log.error({ error: asProloError(error).message }, 'session: what was left'));
  // Code that a login needs is loaded and compiled before somebody waits for it.
  await pingPresence(site).catch(() => undefined);
  const server = await listenForPam(socket, seat, log);
  void keepIdentity();

  const onError = (error: unknown): void => log.warn({ error: asProloError(error).message }, 'session');
  const repeated = [
    repeat((config.presence.timeoutSeconds * 1000) / 2, () => seat.heartbeat(), onError),
    repeat(WATCH_MS, () => seat.watch(), onError),
    keepReporting(site, log),
  ];
  log.info({ socket, hostname: identity?.hostname }, 'presenced: ready');
  return {
    async close() {
      stopped = true;
      repeated.forEach((one) => one.stop());
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await writing(() => Promise.resolve());
    },
  };
};
