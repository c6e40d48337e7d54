import { serveFeed } from '../lib/feed/serve.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { applyMachineUpdates, listMachines } from '../lib/mdb/machines.ts';
import { toRecord } from '../lib/mdb/record.ts';
import { MachineSchema } from '../lib/mdb/schema.ts';

/** The feed of machines. */
export const start: StartDaemon = (context) =>
  serveFeed(context, {
    service: 'mdbsync',
    feed: 'mdb',
    pk: 'mac',
    record: MachineSchema,
    read: async (tx) => (await listMachines(tx)).map(toRecord),
    apply: (store, actor, updates) => applyMachineUpdates(store, context.site.config, actor, updates),
  });
