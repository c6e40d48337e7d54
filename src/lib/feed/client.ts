import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { asProloError, ProloError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { makeToken } from '../rpc/token.ts';
import type { Update } from '../store/change-log.ts';
import { applyUpdates, type Kind, replaceState } from './apply.ts';
import { backoffMs } from './backoff.ts';
import { createLineReader } from './lines.ts';

const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** A server that says nothing for so long before its first line is as good as dead. */
const FIRST_LINE_MS = 15_000;
/** A connection that held this long was a good one: the next attempt is the first of its kind. */
const GOOD_CONNECTION_MS = 5_000;

export interface FollowFeedOptions<R> {
  /** The service's base URL, such as `http://mdbsync`. */
  url: string;
  /** The feed's subscribe secret. */
  secret: string;
  /** The field that names a record: `mac`, `login`. */
  pk: string;
  /** Fields whose change is an `updated`; without it, all. */
  watch?: ReadonlySet<string>;
  /**
   * Called for every line, one at a time, also where `changes` is empty. `state` is the client's own and changes with
   * the next line. What it throws is logged, and the feed goes on.
   */
  onLine(state: ReadonlyMap<string, R>, changes: ReadonlyMap<string, Kind>): void | Promise<void>;
  signal: AbortSignal;
  log: Logger;
  /** Hears of each failure, and of the wait before the next attempt; without it, the log does. */
  onTrouble?(error: ProloError, waitMs: number): void;
  /** How long to wait after so many failures in a row. */
  pauseMs?(failures: number, refused: boolean): number;
}

/**
 * Follows a sync feed until aborted, through every loss of the connection. What changed meanwhile is found by
 * comparing the new connection's first line, the whole state, with what was known, and reported the same way.
 */
export async function followFeed<R extends object>(options: FollowFeedOptions<R>): Promise<void> {
  const { signal } = options;
  const state = new Map<string, R>();
  let failures = 0;
  while (!signal.aborted) {
    const startedMs = performance.now();
    const error = await followOnce(options, state).catch((cause: unknown) => asProloError(cause));
    if (signal.aborted) return;
    failures = performance.now() - startedMs > GOOD_CONNECTION_MS ? 1 : failures + 1;
    const refused = error.kind === 'forbidden';
    const waitMs = options.pauseMs?.(failures, refused) ?? backoffMs(failures, refused, Math.random());
    if (options.onTrouble) options.onTrouble(error, waitMs);
    else logTrouble(options, error, waitMs);
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

function logTrouble({ log, url }: FollowFeedOptions<never>, error: ProloError, waitMs: number): void {
  const details = { url, error: error.message, waitMs, ...(error.hint ? { hint: error.hint } : {}) };
  if (error.kind === 'forbidden') log.error(details, 'feed: refused, trying again slowly');
  else log.warn(details, 'feed: not connected, trying again');
}

/** One connection, to its end. Resolves with, or throws, the reason. */
async function followOnce<R extends object>(
  options: FollowFeedOptions<R>,
  state: Map<string, R>,
): Promise<ProloError> {
  const { pk, watch, signal, log, url } = options;
  const response = await connect(options);
  try {
    const reader = createLineReader(MAX_LINE_BYTES);
    let whole = true;
    for await (const chunk of response as AsyncIterable<Buffer>)
      for (const line of reader.push(chunk)) {
        const updates = parseLine<R>(pk, line);
        const changes = (whole ? replaceState : applyUpdates)(pk, state, updates, watch);
        if (whole) {
          response.setTimeout(0);
          log.debug({ url, records: state.size }, 'feed: connected');
        }
        whole = false;
        if (signal.aborted) return ended(url);
        await report(options, state, changes);
      }
    return ended(url);
  } finally {
    response.destroy();
  }
}

function ended(url: string): ProloError {
  return new ProloError('unavailable', `feed ${url}: the server closed it`);
}

async function report<R>(
  options: FollowFeedOptions<R>,
  state: ReadonlyMap<string, R>,
  changes: ReadonlyMap<string, Kind>,
): Promise<void> {
  try {
    await options.onLine(state, changes);
  } catch (error) {
    options.log.error({ url: options.url, error: String(error) }, 'feed: a change could not be handled');
  }
}

/** @throws ProloError `forbidden` for a token that is refused, `unavailable` for anything else but a feed. */
async function connect(options: FollowFeedOptions<never>): Promise<IncomingMessage> {
  const { secret, signal } = options;
  const base = options.url.replace(/\/$/, '');
  const query = new URLSearchParams({ data: '{}', hmac: makeToken(secret, 'None', Date.now()) });
  const target = new URL(`${base}/poll?${query}`);
  const request = target.protocol === 'https:' ? requestHttps : requestHttp;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(target, { agent: false, signal, headers: { accept: '*/*' } });
    sent.on('socket', (socket) => socket.setKeepAlive(true, 15_000));
    sent.setTimeout(FIRST_LINE_MS, () =>
      sent.destroy(new ProloError('unavailable', `feed ${base}: silent for ${FIRST_LINE_MS / 1000} s`)),
    );
    sent.on('error', reject);
    sent.on('response', resolve);
    sent.end();
  });
  if (response.statusCode === 200) return response;
  response.destroy();
  if (response.statusCode === 403)
    throw new ProloError('forbidden', `feed ${base}: this host may not subscribe (403)`, {
      hint: "is its secret in secrets.yml the gateway's, and do both clocks agree within 120 s?",
    });
  throw new ProloError('unavailable', `feed ${base}: status ${response.statusCode}`);
}

/** @throws ProloError `refused` for what is not a line of a feed. */
function parseLine<R extends object>(pk: string, line: string): Update<R>[] {
  let updates: unknown;
  try {
    updates = JSON.parse(line);
  } catch (error) {
    throw new ProloError('refused', `feed: a line that is no JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (!Array.isArray(updates) || !updates.every((update) => isUpdate(pk, update)))
    throw new ProloError('refused', `feed: a line that is no list of updates with a ${pk}`);
  return updates as Update<R>[];
}

function isUpdate(pk: string, update: unknown): boolean {
  const { type, data } = (update ?? {}) as { type?: unknown; data?: Record<string, unknown> | null };
  return (type === 'update' || type === 'delete') && typeof data?.[pk] === 'string';
}
