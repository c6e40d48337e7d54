import { createHomes } from '../lib/hfs/db/homes.ts';
import { createServerMethods } from '../lib/hfs/db/methods.ts';
import { createOperatorMethods } from '../lib/hfs/db/operate.ts';
import { createRestoreMethods } from '../lib/hfs/db/restore-methods.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { createServer } from '../lib/http/server.ts';
import { serveRpc } from '../lib/rpc/routes.ts';

/** Which server owns which home. */
export const start: StartDaemon = async (context) => {
  const server = createServer(context, 'hfsdb');
  const store = await context.store();
  const homes = createHomes(context.site, context.log, store);
  const methods = {
    ...createServerMethods(homes),
    ...createOperatorMethods(homes, store, context.site.config),
    ...createRestoreMethods(homes, store, context.site.config),
  };
  await serveRpc(server, context, methods, {
    title: 'HFSDB',
    description:
      'Which home file server owns which home; asked by the servers, and by the operators’ commands.',
  });
  return server.start();
};
