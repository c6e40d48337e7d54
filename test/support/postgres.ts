import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
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

let cluster: { dir: string; url: string } | undefined;
let databases = 0;

/** A new database of a PostgreSQL server that this test process starts at the first call, and stops at its end. */
export async function createDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  cluster ??= startCluster();
  const { url } = cluster;
  const name = `t${++databases}`;
  await query(url, `create database ${name}`);
  return {
    url: url.replace(/postgres$/, name),
    drop: () => query(url, `drop database ${name} with (force)`),
  };
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

/** initdb refuses root, so it and the server run as the user `postgres`. On a unix socket in its own folder only. */
function startCluster(): { dir: string; url: string } {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-pg-'));
  const asPostgres = ['--reuid=postgres', '--regid=postgres', '--init-groups'];
  const uid = Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' }));
  chownSync(dir, uid, -1);
  const run = (program: string, args: string[]): void =>
    void execFileSync('setpriv', [...asPostgres, bin(program), ...args], { cwd: dir, stdio: 'pipe' });
  run('initdb', ['-D', join(dir, 'data'), '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']);
  run('pg_ctl', [
    '-D',
    join(dir, 'data'),
    '-w',
    '-s',
    '-l',
    join(dir, 'log'),
    '-o',
    `-c listen_addresses= -k ${dir} -c fsync=off`,
    'start',
  ]);
  process.once('exit', () => {
    run('pg_ctl', ['-D', join(dir, 'data'), '-m', 'immediate', '-s', 'stop']);
    rmSync(dir, { recursive: true, force: true });
  });
  return { dir, url: `postgres://postgres@${encodeURIComponent(dir)}/postgres` };
}
