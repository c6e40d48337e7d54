import { Type } from 'typebox';
import { serveFeed } from '../lib/feed/serve.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { applyMachineUpdates, listMachines } from '../lib/mdb/machines.ts';
import { toRecord } from '../lib/mdb/record.ts';

/** A machine's record; what its values may be is decided where machines are changed. */
const MachineSchema = Type.Object({
  hostname: Type.String(),
  aliases: Type.String(),
  ip: Type.String(),
  mac: Type.String(),
  rfs: Type.Integer(),
  hfs: Type.Integer(),
  mtype: Type.String(),
  room: Type.String(),
  is_faulty: Type.Boolean(),
  is_faulty_details: Type.String(),
});

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
