import { resolve } from 'node:path';
import { createApplier } from '../lib/apply/apply.ts';
import { createRunProgram } from '../lib/apply/programs.ts';
import type { DnsMachine } from '../lib/dns/hosts.ts';
import { createDns } from '../lib/dns/write.ts';
import { followFeed } from '../lib/feed/client.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { serviceUrl } from '../lib/site/site.ts';

const WATCHED = new Set(['hostname', 'aliases', 'ip']);

/** Keeps named at what MDB says: follows mdbsync, writes zones, reloads. Until the feed's first line all stays as it is. */
export const start: StartDaemon = async ({ site, log }) => {
  const { config } = site;
  const secret = site.secret('mdbsync.subscribe');
  const dns = createDns({
    config,
    dir: resolve(site.statePath(), config.dns.dir),
    runProgram: createRunProgram(config.dns.checks, log),
    log,
  });
  let machines: ReadonlyMap<string, DnsMachine> | undefined;
  const applier = createApplier({
    name: 'mdbdns',
    log,
    apply: (signal) => dns.update(machines!.values(), signal),
  });
  const stop = new AbortController();
  const following = followFeed<DnsMachine>({
    url: serviceUrl(config, 'mdbsync'),
    secret,
    pk: 'mac',
    watch: WATCHED,
    onLine(state, changes) {
      const first = machines === undefined;
      machines = state;
      if (first || changes.size > 0) applier.changed();
    },
    signal: stop.signal,
    log,
  });
  return {
    async close() {
      stop.abort();
      await Promise.all([applier.close(), following]);
    },
  };
};
