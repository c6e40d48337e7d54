import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

const base = '/usr/lib/postgresql';
const newest = existsSync(base)
  ? readdirSync(base)
      .sort((a, b) => Number(b) - Number(a))
      .find((v) => existsSync(join(base, v, 'bin/postgres')))
  : undefined;
const bin = (program: string): string => join(base, newest ?? '0', 'bin', program);

/** For `needs`. */
export const postgresPackages: Record<string, string> = {
  [bin('postgres')]: 'postgresql',
  setpriv: 'util-linux',
};

let cluster: Cluster | undefined;
let databases = 0;

/** A PostgreSQL server of a test's own. */
export interface Cluster {
  /** Of its database `postgres`. */
  url: string;
  /** Stops all its processes where they are: nothing is answered, and no connection is closed. */
  freeze(): void;
  thaw(): void;
  /** @param mode `fast` cuts all connections, `immediate` is a crash */
  stop(mode: 'fast' | 'immediate'): void;
  /** After `stop`. */
  start(): void;
  remove(): void;
}

/** A new database of a PostgreSQL server that this test process starts at the first call, and stops at its end. */
export async function createDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  if (!cluster) {
    cluster = startCluster();
    process.once('exit', () => cluster!.remove());
  }
  const { url } = cluster;
  const name = `t${++databases}`;
  await queryPostgres(url, `create database ${name}`);
  return {
    url: url.replace(/postgres$/, name),
    drop: () => queryPostgres(url, `drop database ${name} with (force)`).then(() => undefined),
  };
}

/** On a connection of its own. */
export async function queryPostgres(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** initdb refuses root, so it and the server run as the user `postgres`. On a unix socket in its own folder only. */
export function startCluster(): Cluster {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-pg-'));
  const data = join(dir, 'data');
  const asPostgres = ['--reuid=postgres', '--regid=postgres', '--init-groups'];
  const uid = Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' }));
  chownSync(dir, uid, -1);
  const run = (program: string, args: string[]): void =>
    void execFileSync('setpriv', [...asPostgres, bin(program), ...args], { cwd: dir, stdio: 'pipe' });
  const signal = (name: NodeJS.Signals): void => {
    const server = Number(readFileSync(join(data, 'postmaster.pid'), 'latin1').split('\n')[0]);
    process.kill(server, name); // first: one that stands makes no more of them
    const children = readFileSync(`/proc/${server}/task/${server}/children`, 'latin1').trim();
    for (const child of children.split(' ').filter(Boolean))
      try {
        process.kill(Number(child), name);
      } catch {
        // it has ended meanwhile
      }
  };
  const start = (): void =>
    run('pg_ctl', [
      ...['-D', data, '-w', '-s', '-l', join(dir, 'log')],
      ...['-o', `-c listen_addresses= -k ${dir} -c fsync=off`, 'start'],
    ]);
  const stop = (mode: string): void => run('pg_ctl', ['-D', data, '-m', mode, '-s', 'stop']);
  run('initdb', ['-D', data, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']);
  start();
  return {
    url: `postgres://postgres@${encodeURIComponent(dir)}/postgres`,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    start,
    stop,
    remove() {
      if (existsSync(join(data, 'postmaster.pid'))) {
        signal('SIGCONT');
        stop('immediate');
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
