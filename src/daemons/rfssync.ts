import { serveFeed } from '../lib/feed/serve.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { RfsSchema } from '../lib/rfs/record.ts';
import { listBoots } from '../lib/rfs/table.ts';

/** The feed of what the machines of each RFS boot. */
export const start: StartDaemon = (context) =>
  serveFeed(context, { service: 'rfssync', feed: 'rfs', pk: 'rfs', record: RfsSchema, read: listBoots });
