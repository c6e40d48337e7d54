import { Type } from 'typebox';
import type { DaemonContext, StartDaemon } from '../lib/http/daemon.ts';
import { createServer } from '../lib/http/server.ts';
import type { RpcMethods } from '../lib/rpc/call.ts';
import { filterRecords } from '../lib/rpc/filter.ts';
import { serveRpc } from '../lib/rpc/routes.ts';
import { audit } from '../lib/store/change-log.ts';
import { readTogether, type Store, transact } from '../lib/store/store.ts';
import { USER_FILTERS } from '../lib/udb/query.ts';
import { toPublic } from '../lib/udb/record.ts';
import { PrivateUserSchema, PublicUserSchema } from '../lib/udb/schema.ts';
import { listPrivateUsers, listUsers } from '../lib/udb/users.ts';

/** The user database's calls. */
export const start: StartDaemon = async (context) => {
  const server = createServer(context, 'udb');
  const store = await context.store();
  await serveRpc(server, context, createMethods(context, store), {
    title: 'UDB',
    description: 'The user database: who there is, and, with a token, their passwords.',
  });
  return server.start();
};

function createMethods({ site, log }: DaemonContext, store: Store): RpcMethods {
  const keyHex = site.secret('passwords.key');
  return {
    query: {
      description: 'The users that match all filters, in order of login; never a password.',
      filters: USER_FILTERS,
      result: Type.Array(PublicUserSchema),
      run: async (filters) =>
        filterRecords((await readTogether(store, listUsers)).map(toPublic), filters, USER_FILTERS),
    },
    query_private: {
      description: 'As query, with the plain password. Who asks is noted.',
      secret: 'udb.private',
      filters: USER_FILTERS,
      result: Type.Array(PrivateUserSchema),
      run: (filters, { ip }) =>
        transact(store, async (tx) => {
          const found = filterRecords(await listPrivateUsers(tx, keyHex), filters, USER_FILTERS);
          await audit(tx, `udb ${ip}`, 'udb query_private', found.map(({ login }) => login).join(' '));
          log.info({ ip, users: found.length }, 'udb: passwords read');
          return found;
        }),
    },
  };
}
