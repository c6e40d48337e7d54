import type { DaemonContext } from '../http/daemon.ts';
import { serviceUrl } from '../site/site.ts';
import { followFeed, type FollowFeedOptions } from './client.ts';

const KEYS = { mdbsync: 'mac', presencesync: 'login' } as const;

/** Follows a feed of this site with its secret until aborted, see `followFeed`. */
export function followService<R extends object>(
  { site, log }: DaemonContext,
  service: keyof typeof KEYS,
  signal: AbortSignal,
  onLine: FollowFeedOptions<R>['onLine'],
): Promise<void> {
  return followFeed<R>({
    url: serviceUrl(site.config, service),
    secret: site.secret(`${service}.subscribe`),
    pk: KEYS[service],
    onLine,
    signal,
    log,
  });
}
