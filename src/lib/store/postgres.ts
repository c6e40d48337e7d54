import knexFactory, { type Knex } from 'knex';
import type { Client, ClientConfig, QueryConfig } from 'pg';

/** How long an answer is waited for; then the server is as good as gone, and so is that connection. */
const ANSWER_MS = 10_000;

/** How long a new connection is waited for. */
const CONNECT_MS = 5_000;

/** How long a transaction of a process that stands still keeps all writers out. */
const IDLE_MS = 60_000;

/** How every connection of ours is made; what the URL says itself goes first. */
export const connectionTo = (url: string): ClientConfig => ({
  connectionString: url,
  connectionTimeoutMillis: CONNECT_MS,
  query_timeout: ANSWER_MS,
  keepAlive: true,
});

/** @param lockWaitMs how long one waits for another process's transaction */
export function openPostgres(url: string, lockWaitMs: number, log: Knex.Logger): Knex {
  const late = new WeakSet<Client>();
  return knexFactory({
    client: 'pg',
    connection: {
      ...connectionTo(url),
      lock_timeout: lockWaitMs,
      statement_timeout: ANSWER_MS, // the server would go on, and keep its locks
      idle_in_transaction_session_timeout: IDLE_MS,
    } as Knex.PgConnectionConfig,
    log,
    pool: {
      min: 0,
      max: 8,
      afterCreate(connection: Client, done: (error: Error | null, connection: Client) => void) {
        endWhenLate(connection, late);
        done(null, connection);
      },
      validate: (connection: Client) => !late.has(connection),
    },
    acquireConnectionTimeout: CONNECT_MS,
  });
}

type Answered = (error: Error | null, result: unknown) => void;

/**
 * pg gives up waiting for an answer, and the pool gives the same connection to the next who asks, in whatever transaction it
 * was left: that one's work would be part of it, and a reader see for ever what there was when it began. So it is ended, and
 * the server, once it hears of that, rolls back.
 */
function endWhenLate(connection: Client, late: WeakSet<Client>): void {
  const query = connection.query.bind(connection) as (config: QueryConfig, answered: Answered) => void;
  const ended: Answered = () => undefined;
  Object.assign(connection, {
    query(config: QueryConfig, answered = ended): void {
      query(config, (error, result) => {
        if (error && isLate(error)) {
          late.add(connection);
          void connection.end().catch(() => undefined);
        }
        answered(error, result);
      });
    },
  });
}

/** Whether it is a word for an answer that did not come: the server's, pg's or knex's. */
export const isLate = (error: unknown): boolean =>
  (error as { code?: string }).code === '57014' ||
  /Query read timeout|timeout expired|Timeout acquiring a connection/.test(String(error));
