import { createApplier } from '../apply/apply.ts';
import { RELOAD_PACE } from '../apply/pace.ts';
import { asProloError, ProloError } from '../errors.ts';
import { backoffMs } from '../feed/backoff.ts';
import { followFeed } from '../feed/client.ts';
import type { DaemonContext, RunningDaemon } from '../http/daemon.ts';
import { repeat } from '../repeat.ts';
import { serviceUrl, type Site } from '../site/site.ts';
import type { UserRecord } from '../udb/record.ts';
import { writeMetrics } from './metrics.ts';
import { createReadiness } from './ready.ts';

/** Files of this host that are kept at what UDB says. */
export interface Keeper {
  /** Brings them to `users`; what was there stays when it throws. */
  apply(users: readonly UserRecord[], signal: AbortSignal): Promise<Kept>;
  /** Names of UDB's that the files hold now. */
  known(): Promise<string[]>;
  /** Changes when somebody writes the files. */
  mark(): Promise<string>;
  /** Takes away what a killed run left. */
  clean(signal: AbortSignal): Promise<void>;
}

/** How it went. */
export interface Kept {
  /** By group. */
  counts: Record<string, number>;
  removed: string[];
  /** What the system has, and so is not written. */
  clashes: string[];
  /** Records that are not written: why. */
  refused: string[];
}

/** Nothing is told of these files but a rename: they may change often. */
const PACE = { ...RELOAD_PACE, gapMs: 20, burstGapMs: 50 };
const LOOK_MS = 2_000;
/** What is written just as we have written shows no other mark: now and then all is read again, whatever the mark says. */
const LOOKS_UNTIL_READ = 30;

/** Follows udbsync and keeps files at what it says; offline they stay at what was said last. What others write into them is mended. */
export async function keepFiles(
  name: 'passwd' | 'rootssh',
  { site, log }: DaemonContext,
  keeper: Keeper,
): Promise<RunningDaemon> {
  const { config } = site;
  const secret = subscribeSecret(site);
  const url = serviceUrl(config, 'udbsync');
  const stop = new AbortController();
  const ready = createReadiness({ name, url, waitMs: config.accounts.waitSeconds * 1000, log });
  let users: UserRecord[] | undefined;
  let mark: string | undefined;
  let said = '';

  await keeper.clean(stop.signal).catch((error: unknown) => logTrouble(error));
  const applier = createApplier({
    name,
    log,
    pace: PACE,
    async apply(signal) {
      const before = users!;
      mark = undefined;
      try {
        const kept = await keeper.apply(before, signal);
        tell(kept);
        ready.now();
        await writeMetrics(site, name, kept).catch(logTrouble);
      } finally {
        mark = await keeper.mark();
      }
    },
  });
  let looks = 0;
  const look = repeat(
    LOOK_MS,
    async () => {
      if (mark === undefined) return;
      looks = (looks + 1) % LOOKS_UNTIL_READ;
      if (looks !== 0 && mark === (await keeper.mark())) return;
      mark = undefined;
      applier.changed();
    },
    logTrouble,
  );
  const following = followFeed<UserRecord>({
    url,
    secret,
    pk: 'login',
    signal: stop.signal,
    log,
    // A PC whose clock is not set yet is refused, and nobody can log in meanwhile.
    pauseMs: (failures) => backoffMs(failures, false, Math.random()),
    onLine(state, changes) {
      const first = users === undefined;
      users = [...state.values()];
      if (first || changes.size > 0) applier.changed();
    },
  });
  // Who is known from before can log in while the gateway is away.
  if ((await keeper.known().catch(() => [])).length > 0) ready.now();
  return {
    async close() {
      stop.abort();
      look.stop();
      ready.stop();
      await Promise.all([applier.close(), following]);
    },
  };

  function logTrouble(error: unknown): void {
    log.warn({ error: asProloError(error).message }, name);
  }

  /** Once each, until it is another. */
  function tell({ counts, removed, clashes, refused }: Kept): void {
    if (removed.length > 0) log.info({ removed }, `${name}: no longer in UDB`);
    const now = JSON.stringify([clashes, refused]);
    if (now !== said) {
      for (const clash of clashes) log.error({ clash }, `${name}: not written`);
      for (const reason of refused) log.error({ reason }, `${name}: not written`);
      if (said !== '') log.info({ clashes: clashes.length, refused: refused.length }, `${name}: clashes`);
    }
    said = now;
    log.debug({ counts }, `${name}: written`);
  }
}

/** A server's, or a seat's. */
function subscribeSecret(site: Site): string {
  const name = (['udbsync.subscribe', 'udbsync.seats'] as const).find((one) => site.hasSecret(one));
  if (name) return site.secret(name);
  throw new ProloError(
    'config',
    `${site.dir}: neither udbsync.subscribe nor udbsync.seats is in its secrets`,
    {
      hint: 'on the gateway `prolo site secrets` says which role has them, and `prolo site export` writes them',
    },
  );
}
