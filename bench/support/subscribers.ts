/**
 * A process of its own that holds many connections to a feed, so that the server's own share is what is measured.
 * Started by `startSubscribers`; tells its parent when all have the first line, and when the last has each later one.
 */
import { connect } from 'node:net';

export interface SubscribersTask {
  port: number;
  path: string;
  count: number;
}

export type SubscribersReport = { line: number; atNs: string } | { failed: string };

const { port, path, count } = JSON.parse(process.argv[2]!) as SubscribersTask;
const NEWLINE = 10;
const BRACKET = 93;
/** How many connections have at least so many lines. */
const reached: number[] = [];

function report(message: SubscribersReport): void {
  process.send!(message);
}

function subscribe(): Promise<void> {
  return new Promise((resolve) => {
    let lines = 0;
    let last = 0;
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => socket.write(`GET ${path} HTTP/1.1\r\nhost: feed\r\n\r\n`));
    socket.on('data', (chunk) => {
      // A line of a feed ends with `]` and a newline; no other newline follows a bracket here.
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) {
        if ((at > 0 ? chunk[at - 1] : last) !== BRACKET) continue;
        if (lines === 0) resolve();
        reached[lines] = (reached[lines] ?? 0) + 1;
        if (reached[lines] === count) report({ line: lines, atNs: String(process.hrtime.bigint()) });
        lines++;
      }
      last = chunk[chunk.length - 1]!;
    });
    socket.on('error', (error) => report({ failed: error.message }));
    socket.on('close', () => report({ failed: 'closed' }));
  });
}

for (let made = 0; made < count; made += 50)
  await Promise.all(Array.from({ length: Math.min(50, count - made) }, subscribe));
