import { EventEmitter, once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { followFeed, type FollowFeedOptions } from '../../src/lib/feed/client.ts';
import type { Kind } from '../../src/lib/feed/apply.ts';
import { silentLog } from '../../src/lib/log.ts';

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
    async until(done, timeoutMs = 10_000) {
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
