import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Client } from 'pg';
import type { Logger } from '../log.ts';
import { type Change, changesAfter, type FeedName } from './change-log.ts';
import { connectionTo } from './postgres.ts';
import type { Store } from './store.ts';

export interface Following {
  stop(): Promise<void>;
}

export interface FollowOptions {
  feed: FeedName;
  /** The first line reported is the one after this. */
  after: number;
  onChange(change: Change): void;
  /** SQLite: how often another process's commit is looked for. */
  pollMs: number;
  log: Logger;
}

/**
 * Reports each line of the change log once and in order, whichever process wrote it, until stopped. A database that is
 * gone for a while is waited for: nothing is skipped, since the log itself says what comes next.
 */
export async function followChanges(store: Store, options: FollowOptions): Promise<Following> {
  const { feed, log } = options;
  let seq = options.after;
  let stopped = false;
  let wanted = false;
  let reading: Promise<void> | undefined;

  const drain = async (): Promise<void> => {
    while (wanted && !stopped) {
      wanted = false;
      for (
        let batch = await changesAfter(store, feed, seq);
        batch.length > 0 && !stopped;
        batch = await changesAfter(store, feed, seq)
      )
        for (const line of batch) {
          options.onChange(line);
          seq = line.seq;
        }
    }
  };
  const look = (): void => {
    wanted = true;
    reading ??= drain()
      .catch((error: unknown) => {
        log.warn({ feed, error: String(error) }, 'change log: cannot read it now, trying again');
        if (!stopped) setTimeout(look, 500).unref();
      })
      .finally(() => {
        reading = undefined;
        if (wanted && !stopped) setImmediate(look);
      });
  };

  store.events.on('committed', look);
  const source =
    store.client === 'pg' ? listenPostgres(store.url, look, log) : pollSqlite(store, look, options.pollMs);
  look();
  return {
    async stop() {
      stopped = true;
      store.events.off('committed', look);
      await source.stop();
      await reading;
    },
  };
}

/** After a write to the log file: when its commit is looked for. The write comes first, and the disk is waited for in between. */
const LOOK_AGAIN_MS = [0, 1, 2, 4, 8];

/** PostgreSQL: how often changes are looked for that nobody told of. */
const LOOK_ANYWAY_MS = 5_000;

/**
 * `PRAGMA data_version` changes when another connection has committed. It is asked for when the kernel tells of a write
 * to SQLite's log file, and from time to time in any case.
 */
function pollSqlite(store: Store, look: () => void, pollMs: number): Following {
  let version: unknown;
  let asking = false;
  let tries = LOOK_AGAIN_MS.length;
  let next: NodeJS.Timeout | undefined;
  const ask = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    try {
      const [row] = (await store.knex.raw('pragma data_version')) as { data_version: unknown }[];
      if (row?.data_version !== version) {
        version = row?.data_version;
        look();
      }
    } catch {
      look(); // the reader says what is wrong, and waits
    } finally {
      asking = false;
    }
  };
  const tryNext = (): void => {
    const waitMs = LOOK_AGAIN_MS[tries++];
    next = waitMs === undefined ? undefined : setTimeout(() => void ask().then(tryNext), waitMs);
  };
  const watcher = watchFile(`${store.url.slice('sqlite:'.length)}-wal`, () => {
    tries = 0;
    if (next === undefined) tryNext();
  });
  const timer = setInterval(() => void ask(), pollMs);
  return {
    stop() {
      clearInterval(timer);
      tries = LOOK_AGAIN_MS.length;
      clearTimeout(next);
      watcher?.close();
      return Promise.resolve();
    },
  };
}

/** Tells of writes to a file that may come and go. Where the kernel has no watch left, there is none. */
function watchFile(file: string, onWrite: () => void): FSWatcher | undefined {
  try {
    const name = basename(file);
    const watcher = watch(dirname(file), (_event, changed) => changed === name && onWrite());
    return watcher.on('error', () => watcher.close());
  } catch {
    return undefined;
  }
}

/**
 * LISTEN on a connection of its own, made again whenever it breaks; each new one looks at once for what it missed. A
 * connection whose other end has vanished says nothing for hours, so from time to time it is asked for an answer, and changes
 * are looked for in any case.
 */
function listenPostgres(url: string, look: () => void, log: Logger): Following {
  let client: Client | undefined;
  /** It listens, and is asked nothing now. */
  let idle: Client | undefined;
  let stopped = false;
  let retry: NodeJS.Timeout | undefined;
  const again = (failed: Client | undefined): void => {
    void failed?.end().catch(() => undefined);
    clearTimeout(retry);
    if (!stopped) retry = setTimeout(() => void connect(), 500);
  };
  const connect = async (): Promise<void> => {
    let own: Client | undefined;
    try {
      const { default: pg } = await import('pg');
      client = own = new pg.Client(connectionTo(url));
      own.on('notification', look);
      own.on('error', (error) => {
        log.warn({ error: String(error) }, 'postgres: the listening connection broke');
        if (client === own) again(own);
      });
      await own.connect();
      await own.query('listen prolo_changes');
      idle = own;
      look();
    } catch (error) {
      log.warn({ error: String(error) }, 'postgres: cannot listen now, trying again');
      again(own);
    }
  };
  const mustAnswer = async (): Promise<void> => {
    const asked = idle;
    idle = undefined;
    try {
      await asked?.query('select 1');
      idle ??= asked;
    } catch {
      if (client === asked) again(asked);
    }
  };
  const first = connect();
  const timer = setInterval(() => {
    look();
    void mustAnswer();
  }, LOOK_ANYWAY_MS);
  return {
    async stop() {
      stopped = true;
      clearInterval(timer);
      clearTimeout(retry);
      await first;
      await client?.end().catch(() => undefined);
    },
  };
}
