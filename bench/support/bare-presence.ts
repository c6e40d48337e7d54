/** The peer of presencesync: node:http, and one SQLite transaction a request with the pragmas of the store: FILE. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Database from 'better-sqlite3';

const db = new Database(process.argv[2] ?? '');
db.pragma('busy_timeout = 5000');
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.pragma('foreign_keys = ON');
db.exec('create table presence (login varchar(32) primary key, hostname varchar(63) not null unique)');
const remove = db.prepare('delete from presence where login = ?');
const insert = db.prepare('insert into presence (login, hostname) values (?, ?)');
const login = db.transaction((pair: { login: string; hostname: string }) => {
  insert.run(pair.login, pair.hostname);
});

const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const form = new URLSearchParams(Buffer.concat(parts).toString());
    const pair = JSON.parse(form.get('data') ?? '') as { login: string; hostname: string };
    if (request.url === '/login') login(pair);
    else remove.run(pair.login);
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 3 });
    response.end('ok\n');
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(`port ${(server.address() as AddressInfo).port}`);
});
