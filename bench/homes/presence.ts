import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeToken } from '../../src/lib/rpc/token.ts';
import { proloBin } from '../../test/support/cli.ts';
import { atLeast, atMost, type Bench, type Figure, median } from '../figure.ts';
import { type Child, startScript } from '../support/children.ts';
import { cpuSeconds } from '../support/http-load.ts';
import { benchMachine, makeBenchSite } from '../support/site.ts';

const SEATS = 10_000;
const LOGINS = 4_000;
const CONNECTIONS = 64;
const RUNS = 9;
const WARM_UP = 2;
const HEARTBEAT_S = 15;

/**
 * What presencesync costs: logins a second of its CPU, against a bare node:http server that does one SQLite transaction a
 * request; and 10,000 associations of which each is heard of every 15 s.
 */
const bench: Bench = async (report) => {
  const test = await makeBenchSite(SEATS, { log: { level: 'error' } });
  const { site } = test;
  const children: Child[] = [];
  try {
    const store = await test.store();
    const user = (n: number) => ({
      ...{ login: loginOf(n), firstname: '', lastname: '', uid: 10_000 + n, group: 'user' },
      ...{ password_hash: '$6$abcdefgh$aaaaaaaa', shell: '/bin/bash', ssh_key: '' },
    });
    await store.knex.batchInsert('users', Array.from({ length: SEATS }, (_, i) => user(i + 1)), 50); // prettier-ignore
    const daemon = await startScript(proloBin, ['daemon', 'presencesync', '--config', site.file], /^ready$/m);
    children.push(daemon);
    const bare = await startScript(
      'bench/support/bare-presence.ts',
      [join(test.dir, 'bare.db')],
      /^port (\d+)$/m,
    );
    children.push(bare);
    const secret = site.secret('presencesync.publish');
    const sides = [
      { pid: daemon.pid, port: site.config.portBase + 60, rates: [] as number[] },
      { pid: bare.pid, port: Number(bare.match[1]), rates: [] as number[] },
    ];
    for (let run = -WARM_UP; run < RUNS; run++)
      for (const side of run % 2 ? sides : [...sides].reverse()) {
        const [logins, logouts] = (['login', 'logout'] as const).map((verb) =>
          requests(verb, LOGINS, secret),
        );
        const before = cpuSeconds(side.pid);
        await sendAll(side.port, logins!, CONNECTIONS);
        if (run >= 0) side.rates.push(LOGINS / (cpuSeconds(side.pid) - before));
        await sendAll(side.port, logouts!, CONNECTIONS);
      }
    const [ours, theirs] = sides.map(({ rates }) => median(rates)) as [number, number];
    const against = `${ours.toFixed(0)} a CPU second; bare node:http with one transaction each: ${theirs.toFixed(0)}`;
    report(`logins: ${against}`);
    const figures: Figure[] = [atLeast('presence-logins', ours / theirs, 0.5, against, RUNS)];

    const { port } = sides[0]!;
    await sendAll(port, requests('login', SEATS, secret), CONNECTIONS);
    const beats = requests('heartbeat', SEATS, secret);
    await sendAll(port, beats, CONNECTIONS);
    const startedMs = performance.now();
    const before = cpuSeconds(daemon.pid);
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    for (let sent = 0; sent < SEATS;) {
      const due = Math.min(SEATS, Math.ceil(((performance.now() - startedMs) / 1000 / HEARTBEAT_S) * SEATS));
      while (sent < due) await exchange(socket, beats[sent++]!);
      await sleep(5);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const cores = (cpuSeconds(daemon.pid) - before) / seconds;
    socket.destroy();
    report(`${SEATS} seats: ${cores.toFixed(3)} of a core in ${seconds.toFixed(1)} s`);
    figures.push(
      atMost('presence-10000-cores', cores, 0.2, `of a core; a heartbeat each in ${seconds.toFixed(1)} s`, 1),
    );
    return figures;
  } finally {
    for (const child of children.reverse()) await child.stop();
    await test.remove();
  }
};
export default bench;

function loginOf(n: number): string {
  return `u${n}`;
}

/** A request a seat, as bytes. */
function requests(verb: 'login' | 'logout' | 'heartbeat', count: number, secret: string): Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    const data = JSON.stringify({ login: loginOf(i + 1), hostname: benchMachine(i + 1).hostname });
    const body = new URLSearchParams({ data, hmac: makeToken(secret, data, Date.now()) }).toString();
    return Buffer.from(
      `POST /${verb} HTTP/1.1\r\nhost: presencesync\r\ncontent-type: application/x-www-form-urlencoded\r\n` +
        `content-length: ${body.length}\r\n\r\n${body}`,
    );
  });
}

/** Each request once, over some connections that stay open, one at a time on each. */
async function sendAll(port: number, all: readonly Buffer[], connections: number): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      while (next < all.length) await exchange(socket, all[next++]!);
      socket.destroy();
    }),
  );
}

/** @throws Error for an answer that is not 200 */
function exchange(socket: Socket, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => {
      socket.off('data', onData).off('error', done).off('close', onClose);
      if (error) reject(error);
      else resolve();
    };
    const onClose = (): void => done(new Error('the connection was closed'));
    let text = '';
    const onData = (part: Buffer): void => {
      text += part.toString('latin1');
      const head = text.indexOf('\r\n\r\n');
      const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text.slice(0, head + 2))?.[1];
      if (head < 0 || text.length < head + 4 + Number(length)) return;
      done(text.startsWith('HTTP/1.1 200 ') ? undefined : new Error(text.slice(0, 500)));
    };
    socket.on('data', onData).on('error', done).on('close', onClose);
    socket.write(request);
  });
}
