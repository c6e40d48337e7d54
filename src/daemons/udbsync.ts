import { serveFeed } from '../lib/feed/serve.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { UserSchema } from '../lib/udb/schema.ts';
import { applyUserUpdates, listUsers } from '../lib/udb/users.ts';

/** The feed of users: with the hash of their password, never with the password. */
export const start: StartDaemon = (context) =>
  serveFeed(context, {
    service: 'udbsync',
    feed: 'udb',
    pk: 'login',
    record: UserSchema,
    read: (tx) => listUsers(tx),
    apply: (store, actor, updates) => applyUserUpdates(store, context.site.config, actor, updates),
  });
