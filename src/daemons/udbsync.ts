import { Type } from 'typebox';
import { serveFeed } from '../lib/feed/serve.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { applyUserUpdates, listUsers } from '../lib/udb/users.ts';

/** A user's record; what its values may be is decided where users are changed. */
const UserSchema = Type.Object({
  id: Type.Integer(),
  login: Type.String(),
  firstname: Type.String(),
  lastname: Type.String(),
  uid: Type.Integer(),
  group: Type.String(),
  password: Type.String({ description: 'a crypt(3) hash' }),
  shell: Type.String(),
  ssh_key: Type.String(),
});

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
