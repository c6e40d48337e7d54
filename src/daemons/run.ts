import type { RunningDaemon } from '../lib/http/daemon.ts';
import { createLog, type Logger } from '../lib/log.ts';
import { databaseUrl, type Site } from '../lib/site/site.ts';
import { openStore, type Store } from '../lib/store/store.ts';
import { loadDaemon } from './registry.ts';

/** From the first signal on; who started this waits for two seconds. */
const END_MS = 1800;

export interface Running {
  daemons: { name: string; url?: string }[];
  /** Resolves when a signal has ended them all. */
  ended: Promise<void>;
}

/**
 * Starts daemons in this process, in order; SIGTERM or SIGINT closes them, the last one first, a second signal ends the
 * process at once. When one cannot start, those before it are closed again.
 * @param keepHomes whether the processes that serve homes go on
 */
export async function runDaemons(site: Site, names: readonly string[], keepHomes = true): Promise<Running> {
  const log = createLog(site.config.log.level);
  const starts = await Promise.all(names.map(async (name) => ({ name, ...(await loadDaemon(name)) })));
  const signal = untilSignal();
  let opened: Promise<Store> | undefined;
  const store = (): Promise<Store> => (opened ??= openStore(databaseUrl(site)));
  const running: { name: string; daemon: RunningDaemon }[] = [];
  const closeAll = async (): Promise<void> => {
    for (const { name, daemon } of running.splice(0).reverse())
      await daemon
        .close()
        .catch((error: unknown) => log.error({ daemon: name, error: String(error) }, 'did not close'));
    await (await opened?.catch(() => undefined))?.close();
  };

  try {
    for (const { name, start, number } of starts) {
      const context = { site, log: log.child({ daemon: name }), store, keepHomes };
      running.push({ name, daemon: await start(number === undefined ? context : { ...context, number }) });
    }
  } catch (error) {
    await closeAll();
    throw error;
  }
  const daemons = running.map(({ name, daemon }) => ({ name, ...(daemon.url ? { url: daemon.url } : {}) }));
  return {
    daemons,
    ended: signal.then(() => {
      endInTime(log);
      return closeAll();
    }),
  };
}

/** Ends the process where something does not: a database that no longer answers. What was acknowledged is written. */
function endInTime(log: Logger): void {
  setTimeout(() => {
    log.error(`not closed within ${END_MS} ms: ended`);
    process.exit(1);
  }, END_MS).unref();
}

/** The first signal resolves; the second one ends the process. */
function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let signals = 0;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (++signals > 1) process.exit(signal === 'SIGINT' ? 130 : 143);
      resolve();
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  });
}
