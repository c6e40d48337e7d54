import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asProloError, ProloError } from '../lib/errors.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { pingPresence, tellPresence } from '../lib/presence/client.ts';
import { askHome } from '../lib/seat/ask-home.ts';
import { askMdb, type Identity, ownAddresses, pickIdentity } from '../lib/seat/identity.ts';
import { createSeat, type Session } from '../lib/seat/seat.ts';
import { listenForPam } from '../lib/seat/socket.ts';
import { createSeatSystem } from '../lib/seat/system.ts';
import { writeFileAtomic } from '../lib/write-file.ts';

const WATCH_MS = 500;
const IDENTITY_MS = 60_000;
const RETRY_MS = 2_000;
/** Tokens are good for 120 s. */
const CLOCK_OFF_S = 60;

/** What a seat does at login and logout: one a PC, its root's. */
export const start: StartDaemon = async ({ site, log }) => {
  const { config } = site;
  for (const name of ['presencesync.publish', 'hfs.shared'] as const) site.secret(name);
  const system = createSeatSystem();
  const socket = resolve(site.statePath(), config.presence.socket);
  const record = `${socket}.session`;
  let identity: Identity | undefined;
  let stopped = false;

  async function identify(): Promise<void> {
    const addresses = ownAddresses();
    const { machines, clockOffSeconds } = await askMdb(site, addresses);
    identity = pickIdentity(machines, addresses);
    if (Math.abs(clockOffSeconds) <= CLOCK_OFF_S) return;
    log.error({ clockOffSeconds }, 'clock: it is not the gateway’s, so it is set');
    await system.setClock(Date.now() + clockOffSeconds * 1000).catch((error: unknown) => {
      log.error({ error: asProloError(error).message }, 'clock: it cannot be set, so nobody can log in');
    });
  }
  const keepIdentity = async (): Promise<void> => {
    while (!stopped) {
      const trouble = await identify().then(
        () => undefined,
        (error: unknown) => asProloError(error).message,
      );
      if (trouble) log.warn({ trouble }, 'mdb: does not say who this machine is, trying again');
      await sleep(trouble ? RETRY_MS : IDENTITY_MS, undefined, { ref: false });
    }
  };

  let remembering: Promise<unknown> = Promise.resolve();
  const seat = createSeat({
    log,
    system,
    identity() {
      if (identity) return identity;
      throw new ProloError('unavailable', 'the gateway does not answer, so nobody can log in now', {
        hint: 'ask an organiser',
      });
    },
    tellPresence: (verb, pair) => tellPresence(site, verb, pair),
    askHome: (hfs, login) => askHome(site, hfs, login),
    remember: (session) => {
      remembering = remembering
        .then(() => writeFileAtomic(record, renderSession(session), 0o600))
        .catch((error: unknown) => log.error({ error: String(error) }, 'session: not written down'));
    },
    nowMs: () => performance.now(),
    openMs: config.presence.openSeconds * 1000,
  });

  await system
    .prepare()
    .catch((error: unknown) => log.error({ error: asProloError(error).message }, 'nbd: no module'));
  await identify().catch((error: unknown) => log.warn({ error: asProloError(error).message }, 'mdb'));
  await seat.resume(readSession(record));
  // Code that a login needs is loaded and compiled before somebody waits for it.
  await pingPresence(site).catch(() => undefined);
  const server = await listenForPam(socket, seat, log);
  void keepIdentity();

  const every = (ms: number, work: () => Promise<void>): NodeJS.Timeout => {
    let busy = false;
    return setInterval(() => {
      if (busy) return;
      busy = true;
      void work()
        .catch((error: unknown) => log.warn({ error: asProloError(error).message }, 'session'))
        .finally(() => (busy = false));
    }, ms);
  };
  const timers = [
    every((config.presence.timeoutSeconds * 1000) / 2, () => seat.heartbeat()),
    every(WATCH_MS, () => seat.watch()),
  ];
  log.info({ socket, hostname: identity?.hostname }, 'presenced: ready');
  return {
    async close() {
      stopped = true;
      timers.forEach((timer) => clearInterval(timer));
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await remembering;
    },
  };
};

function renderSession(session: Session | undefined): string {
  return session ? JSON.stringify({ login: session.login, holders: [...session.holders] }) : 'null';
}

function readSession(file: string): { login: string; holders: number[] } | undefined {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as ReturnType<typeof readSession>) ?? undefined;
  } catch {
    return undefined;
  }
}
