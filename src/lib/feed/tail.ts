import { ProloError } from '../errors.ts';
import { silentLog } from '../log.ts';
import type { SecretName } from '../site/secrets.ts';
import { type ServiceName, serviceUrl, type Site } from '../site/site.ts';
import type { FeedName } from '../store/change-log.ts';
import type { Kind } from './apply.ts';
import { followFeed } from './client.ts';

type Fields = Record<string, unknown>;

/** Where each feed is, and what names its records. */
export const FEEDS: Record<FeedName, { service: ServiceName; pk: string; secret: SecretName }> = {
  mdb: { service: 'mdbsync', pk: 'mac', secret: 'mdbsync.subscribe' },
  udb: { service: 'udbsync', pk: 'login', secret: 'udbsync.subscribe' },
  presence: { service: 'presencesync', pk: 'login', secret: 'presencesync.subscribe' },
  rfs: { service: 'rfssync', pk: 'rfs', secret: 'rfssync.subscribe' },
  contest: { service: 'contestsync', pk: 'name', secret: 'contestsync.subscribe' },
};

export interface FeedChange {
  kind: Kind;
  key: string;
  before?: Fields;
  after?: Fields;
}

export interface TailOptions {
  site: Site;
  feed: FeedName;
  signal: AbortSignal;
  /** Called for each line of the feed, with the changes that it made. */
  onChanges(changes: FeedChange[]): void;
  /** Hears of each failure to connect, and of the wait before the next attempt. */
  onTrouble(error: ProloError, waitMs: number): void;
}

/** Follows one feed over HTTP, as any consumer does, until aborted; each change comes with what was before. */
export async function tailFeed({ site, feed, signal, onChanges, onTrouble }: TailOptions): Promise<void> {
  const { service, pk, secret } = FEEDS[feed];
  const url = serviceUrl(site.config, service);
  let known = new Map<string, Fields>();
  await followFeed<Fields>({
    url,
    secret: site.secret(secret),
    pk,
    signal,
    log: silentLog,
    onTrouble: (error, waitMs) => onTrouble(sayWhere(error, service, url), waitMs),
    onLine(state, changes) {
      const before = known;
      known = new Map(state);
      onChanges(
        Array.from(changes, ([key, kind]) => ({
          kind,
          key,
          ...(before.has(key) ? { before: before.get(key)! } : {}),
          ...(state.has(key) ? { after: state.get(key)! } : {}),
        })),
      );
    },
  });
}

function sayWhere(error: ProloError, service: ServiceName, url: string): ProloError {
  if (error.kind !== 'unavailable' || error.hint) return error;
  return new ProloError('unavailable', `${service}: ${error.message}`, {
    hint: `is ${service} running at ${url}?`,
    cause: error,
  });
}
