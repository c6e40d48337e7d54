// Runs in a guest, where presenced would: login, heartbeats and logout of one person, asked for on a unix socket. It does the
// wire's part and nothing else: what it cannot do it says, and leaves.
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { hostname } from 'node:os';
import { promisify } from 'node:util';

const [socket] = process.argv.slice(2);
const run = promisify(execFile);
const presence = 'http://presencesync:20060';
const secrets = new Map(
  readFileSync('/etc/prolo/secrets.yml', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(': ')),
);

async function post(url, secret, message) {
  const data = JSON.stringify(message);
  const now = Math.floor(Date.now() / 1000);
  const hmac = createHmac('sha256', secrets.get(secret)).update(`${data}${now}`).digest('hex');
  const body = new URLSearchParams({ data, hmac: `${now}:${hmac}` });
  const response = await fetch(url, { method: 'POST', body });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

async function nearestHfs() {
  const body = JSON.stringify({ args: [], kwargs: { hostname: hostname() } });
  const response = await fetch('http://mdb:20000/call/query', { method: 'POST', body });
  const { data } = await response.json();
  return data[0].hfs;
}

let session;

async function login(user) {
  const seat = { login: user, hostname: hostname() };
  await post(`${presence}/login`, 'presencesync.publish', seat);
  session = seat;
  try {
    const hfs = await nearestHfs();
    const asked = { user, hfs, utype: 'user' };
    const home = JSON.parse(await post(`http://hfs${hfs}:20100/get_hfs`, 'hfs.shared', asked));
    // Without netlink a server that died is an error at once, and not a process that hangs.
    await run('nbd-client', ['-nonetlink', '-N', home.export, `hfs${hfs}`, String(home.port), '/dev/nbd0']);
    mkdirSync(`/home/${user}`, { recursive: true });
    await run('mount', ['-t', 'ext4', '-o', 'nosuid,nodev', '/dev/nbd0', `/home/${user}`]);
  } catch (error) {
    await logout(user);
    throw error;
  }
}

async function logout(user) {
  await run('umount', [`/home/${user}`]).catch(() => undefined);
  await run('nbd-client', ['-d', '/dev/nbd0']).catch(() => undefined);
  const left = session;
  session = undefined;
  await post(`${presence}/logout`, 'presencesync.publish', left);
}

setInterval(() => {
  if (session) post(`${presence}/heartbeat`, 'presencesync.publish', session).catch(() => undefined);
}, 3000);

createServer((request, response) => {
  const [, verb, user] = request.url.split('/');
  (verb === 'login' ? login(user) : logout(user)).then(
    () => response.end(),
    (error) => response.writeHead(503).end(`${error.message}\n`),
  );
}).listen(socket);
