import { EventEmitter } from 'node:events';
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import knexFactory, { type Knex } from 'knex';
import { asProloError, ProloError } from '../errors.ts';
import { migrate, stepsToDo } from './migrations.ts';
import { isLate, openPostgres } from './postgres.ts';

export type Tx = Knex.Transaction;

/** How long one waits for another process's transaction. */
const LOCK_WAIT_MS = 5_000;

/** The site's one database: SQLite in a file, or PostgreSQL. Only the gateway opens it. */
export interface Store {
  readonly knex: Knex;
  readonly client: 'sqlite' | 'pg';
  /** The `sqlite:` or `postgres:` URL that was opened. */
  readonly url: string;
  /** @throws ProloError `unavailable` where a SQLite file is no longer the one that was opened: what is written would be lost */
  checkFile(): void;
  /** Emits `committed` in this process after a transaction that wrote the change log. */
  readonly events: EventEmitter;
  close(): Promise<void>;
}

/**
 * Opens the database and brings its schema up to date, unless `migrate` is false: then nothing is asked of it yet.
 * @param url `sqlite:/absolute/file` or `postgres://…`
 * @throws ProloError `unavailable` when it cannot be reached or is locked, `config` when a later prolo has changed it
 */
export async function openStore(url: string, { migrate: update = true } = {}): Promise<Store> {
  const sqlite = url.startsWith('sqlite:');
  const knex = sqlite ? openSqlite(url.slice('sqlite:'.length)) : openPostgres(url, LOCK_WAIT_MS, silent);
  try {
    if (update && (await stepsToDo(knex)).length > 0) await migrate(knex, sqlite ? 'sqlite' : 'pg');
  } catch (error) {
    await knex.destroy();
    throw storeError(error, url);
  }
  const checkFile = sqlite ? sameFile(url.slice('sqlite:'.length)) : () => undefined;
  const events = new EventEmitter();
  events.setMaxListeners(0);
  return { knex, client: sqlite ? 'sqlite' : 'pg', url, checkFile, events, close: () => knex.destroy() };
}

/** SQLite writes on for ever into a file that was deleted, or in whose place another was put. */
function sameFile(path: string): () => void {
  const opened = statSync(path);
  return () => {
    const now = statSync(path, { throwIfNoEntry: false });
    if (now?.ino === opened.ino && now.dev === opened.dev) return;
    throw new ProloError(
      'unavailable',
      `database sqlite:${path}: ${now ? 'another file is there' : 'deleted'}`,
      {
        hint: 'nothing more is written until this is started again with the right one',
      },
    );
  };
}

/** What knex would print is in the errors that it throws. */
const quiet = (): void => undefined;
const silent = { warn: quiet, error: quiet, deprecate: quiet, debug: quiet };

function openSqlite(file: string): Knex {
  mkdirSync(dirname(file), { recursive: true });
  makePrivate(file);
  return knexFactory({
    client: 'better-sqlite3',
    connection: { filename: file },
    useNullAsDefault: true,
    log: silent,
    pool: {
      min: 1,
      max: 1,
      afterCreate: (db: { pragma(text: string): void }, done: (error: Error | null, db: unknown) => void) => {
        try {
          db.pragma(`busy_timeout = ${LOCK_WAIT_MS}`);
          db.pragma('journal_mode = WAL');
          db.pragma('synchronous = FULL');
          db.pragma('foreign_keys = ON');
          done(null, db);
        } catch (error) {
          done(error as Error, db);
        }
      },
    },
  });
}

/** A new file is its owner's alone: it holds hashes, as /etc/shadow does. SQLite gives its log files the same mode. */
function makePrivate(file: string): void {
  try {
    closeSync(openSync(file, 'a', 0o600));
  } catch {
    // SQLite meets the same trouble, and says so
  }
}

/**
 * One write transaction. Writers wait for each other from its first statement on, so that the change log's
 * numbers rise in the order of commits and no check made inside is stale. Waiting blocks nobody else in this process.
 * @throws ProloError what `work` threw, or `unavailable`, `full` from the database.
 */
export async function transact<T>(store: Store, work: (tx: Tx) => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + LOCK_WAIT_MS;
  for (let waitMs = 5; ; waitMs = Math.min(2 * waitMs, 100))
    try {
      return await transactNow(store, work);
    } catch (error) {
      if ((error as { code?: string }).code !== 'SQLITE_BUSY' || performance.now() > giveUpAt)
        throw storeError(error, store.url);
      await sleep(waitMs);
    }
}

async function transactNow<T>(store: Store, work: (tx: Tx) => Promise<T>): Promise<T> {
  store.checkFile();
  return transaction(store, {}, async (tx) => {
    if (store.client === 'pg') await tx.raw('select pg_advisory_xact_lock(77001)');
    else await lockSqlite(tx);
    return work(tx);
  });
}

/** Knex's own, whose rollback, where it fails too, would hide why: SQLite on a full disk has rolled back by itself. */
async function transaction<T>(
  { knex }: Store,
  config: Knex.TransactionConfig,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  let cause: { error: unknown } | undefined;
  try {
    return await knex.transaction(async (tx) => {
      try {
        return await work(tx);
      } catch (error) {
        cause = { error };
        throw error;
      }
    }, config);
  } catch (error) {
    throw cause ? cause.error : error;
  }
}

/** SQLite takes its write lock at the first write; after a read it could only fail. Its own waiting would block the process. */
async function lockSqlite(tx: Tx): Promise<void> {
  await tx.raw('pragma busy_timeout = 0');
  try {
    await tx('store_lock').where({ id: 1 }).increment('turn', 1);
  } finally {
    await tx.raw(`pragma busy_timeout = ${LOCK_WAIT_MS}`);
  }
}

/** Reads that all see one moment of the database. */
export async function readTogether<T>(store: Store, work: (tx: Tx) => Promise<T>): Promise<T> {
  try {
    return await transaction(store, store.client === 'pg' ? { isolationLevel: 'repeatable read' } : {}, work);
  } catch (error) {
    throw storeError(error, store.url);
  }
}

function storeError(error: unknown, url: string): ProloError {
  const known = asProloError(error);
  if (known === error || known.kind === 'full' || url.startsWith('sqlite:')) return known;
  const database = `database ${hidePassword(url)}`;
  if ((error as { code?: string }).code === '55P03')
    return new ProloError('unavailable', `${database}: locked: ${known.message}`, {
      hint: 'another process writes to it, or stands still while it does; try again',
      cause: error,
    });
  if (isLate(error) || isConnectionTrouble(error)) {
    const { message } = error as Error;
    const isOpen = /^COMMIT/.test(message);
    return new ProloError('unavailable', `${database}: ${isLate(error) ? 'no answer' : message}`, {
      hint: `is it running?${isOpen ? ' it may be written all the same: look before you do it again' : ''}`,
      cause: error,
    });
  }
  return known;
}

function isConnectionTrouble(error: unknown): boolean {
  const { code = '', name = '', syscall } = error as { code?: string; name?: string; syscall?: string };
  return (
    syscall === 'connect' || // such as ENOENT, of its socket
    /^(08|57P|53|28|3D|25P03|EPIPE|ECONNRESET)/.test(code) ||
    /timeout/i.test(`${name} ${String(error)}`) ||
    /Connection terminated|not queryable/.test(String(error))
  );
}

/** A database URL as it may be printed. */
export function hidePassword(url: string): string {
  return url.replace(/(:\/\/[^:/@]*):[^@]*@/, '$1:***@');
}
