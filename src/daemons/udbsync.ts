import { type NarrowFeed, serveFeed } from '../lib/feed/serve.ts';
import type { DaemonContext, StartDaemon } from '../lib/http/daemon.ts';
import type { Store } from '../lib/store/store.ts';
import { UserSchema } from '../lib/udb/schema.ts';
import { followSeats, forSeats } from '../lib/udb/seats.ts';
import { applyUserUpdates, listUsers } from '../lib/udb/users.ts';

/** The feed of users: with the hash of their password, never with the password; to seats, without the hashes of roots. */
export const start: StartDaemon = (context) =>
  serveFeed(context, {
    service: 'udbsync',
    feed: 'udb',
    pk: 'login',
    record: UserSchema,
    read: (tx) => listUsers(tx),
    apply: (store, actor, updates) => applyUserUpdates(store, context.site.config, actor, updates),
    narrow: (store, onChange) => narrow(context, store, onChange),
  });

/** A site that was made before its seats had a secret goes on without. */
async function narrow(
  { site, log }: DaemonContext,
  store: Store,
  onChange: (may: (ip: string) => boolean) => void,
): Promise<NarrowFeed | undefined> {
  if (!site.hasSecret('udbsync.seats')) {
    const hint = '`prolo site secrets --add-missing`, then start udbsync again';
    log.warn({ hint }, 'udbsync: the site has no secret udbsync.seats: no PC gets accounts');
    return undefined;
  }
  const seats = await followSeats(store, { pollMs: site.config.feed.pollMs, log, onChange });
  return {
    secret: site.secret('udbsync.seats'),
    may: (ip) => seats.has(ip),
    view: forSeats,
    stop: () => seats.stop(),
  };
}
