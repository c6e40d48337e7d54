import { EventEmitter, once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { followFeed, type FollowFeedOptions } from '../../src/lib/feed/client.ts';
import type { Kind } from '../../src/lib/feed/apply.ts';
import { createLineReader } from '../../src/lib/feed/lines.ts';
import { silentLog } from '../../src/lib/log.ts';
import { makeToken } from '../../src/lib/rpc/token.ts';
import type { Update } from '../../src/lib/store/change-log.ts';

type Fields = Record<string, unknown>;

/** A subscriber that notes all it is told. `state` is what it knows; `changes` what each line changed. */
export interface Follower {
  state: ReadonlyMap<string, Fields>;
  changes: Record<string, Kind>[];
  troubles: string[];
  /** Resolves once `done` holds, looked at after each line and each trouble. */
  until(done: () => boolean, timeoutMs?: number): Promise<void>;
  stop(): Promise<void>;
}

export function follow(
  options: Pick<FollowFeedOptions<Fields>, 'url' | 'secret' | 'pk'> & Partial<FollowFeedOptions<Fields>>,
): Follower {
  const end = new AbortController();
  const told = new EventEmitter();
  const follower: Follower = {
    state: new Map(),
    changes: [],
    troubles: [],
    async until(done, timeoutMs = 30_000) {
      const signal = AbortSignal.timeout(timeoutMs);
      while (!done()) await once(told, 'told', { signal });
    },
    async stop() {
      end.abort();
      await ended;
    },
  };
  const ended = followFeed<Fields>({
    signal: end.signal,
    log: silentLog,
    pauseMs: () => 20,
    async onLine(state, changes) {
      follower.state = state;
      follower.changes.push(Object.fromEntries(changes));
      await options.onLine?.(state, changes);
      told.emit('told');
    },
    onTrouble(error) {
      follower.troubles.push(error.message);
      told.emit('told');
    },
    ...(({ onLine: _onLine, ...rest }) => rest)(options),
  });
  return follower;
}

/** A server whose nth connection is answered by the nth `answer` (the last one goes on), for clients to fail against. */
export async function scriptedFeed(
  ...answers: ((response: ServerResponse) => void)[]
): Promise<{ url: string; urls: string[]; close(): void }> {
  const urls: string[] = [];
  const server = createServer((request, response) => {
    urls.push(request.url ?? '');
    (answers.length > 1 ? answers.shift()! : answers[0]!)(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    urls,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The head of a response and the lines of its body, from a connection that speaks as bytes are given. */
export interface RawFeed {
  socket: Socket;
  /** Everything so far. */
  text(): string;
  /** Waits until the body has so many lines of JSON, and returns them. */
  lines(count: number): Promise<Update[][]>;
  closed: Promise<void>;
}

/** Sends a request byte for byte and notes the answer. */
export function rawRequest(url: string, request: string | Buffer): RawFeed {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const parts: Buffer[] = [];
  const lines: Update[][] = [];
  const reader = createLineReader(Infinity);
  const told = new EventEmitter();
  socket.on('error', () => undefined);
  socket.on('data', (part) => {
    parts.push(part);
    for (const line of reader.push(part)) if (line.startsWith('[')) lines.push(JSON.parse(line) as Update[]);
    told.emit('told');
  });
  socket.write(request);
  return {
    socket,
    text: () => Buffer.concat(parts).toString(),
    async lines(count) {
      const signal = AbortSignal.timeout(30_000);
      while (lines.length < count) await once(told, 'told', { signal });
      return [...lines];
    },
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
  };
}

/** `/poll` as Python's aiohttp asks. */
export function pollRequest(secret: string, version = '1.1'): string {
  const hmac = makeToken(secret, 'None', Date.now());
  return [
    `GET /poll?data=%7B%7D&hmac=${hmac} HTTP/${version}`,
    'Host: mdbsync',
    'Accept: */*',
    'Accept-Encoding: gzip, deflate',
    'User-Agent: Python/3.7 aiohttp/3.5.4',
    '\r\n',
  ].join('\r\n');
}

/** A signed form as Python's requests sends it. */
export async function postSigned(
  url: string,
  secret: string,
  data: string,
): Promise<{ status: number; text: string }> {
  const body = new URLSearchParams({ data, hmac: makeToken(secret, data, Date.now()) });
  const response = await fetch(url, { method: 'POST', body });
  return { status: response.status, text: await response.text() };
}
