import { createApplier } from '../lib/apply/apply.ts';
import { cleanStaging } from '../lib/apply/install.ts';
import { RELOAD_PACE } from '../lib/apply/pace.ts';
import { createRunProgram } from '../lib/apply/programs.ts';
import { createIscServer } from '../lib/dhcp/isc-server.ts';
import { createKeaServer } from '../lib/dhcp/kea-server.ts';
import { dhcpPaths, makeKeaFolders } from '../lib/dhcp/paths.ts';
import { planDhcp } from '../lib/dhcp/plan.ts';
import { followFeed } from '../lib/feed/client.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import type { MachineRecord } from '../lib/mdb/record.ts';
import { serviceUrl } from '../lib/site/site.ts';

/** What a DHCP server is told of a machine. */
const WATCH = new Set(['hostname', 'ip', 'mac']);
const MIN_RESTART_MS = 5000;

/** Keeps the DHCP server at what MDB says. */
export const start: StartDaemon = async ({ site, log }) => {
  const { config } = site;
  const paths = dhcpPaths(site);
  const secret = site.secret('mdbsync.subscribe');
  await cleanStaging(paths.dir);
  if (config.dhcp.server === 'kea') await makeKeaFolders(paths);
  const options = { config, paths, log, runProgram: createRunProgram(config.dhcp.checks, log) };
  const isc = config.dhcp.server === 'isc';
  const server = isc
    ? createIscServer(options)
    : createKeaServer({ ...options, onUp: () => applier.changed() });
  let machines: MachineRecord[] | undefined;
  const applier = createApplier({
    name: 'dhcp',
    log,
    pace: { ...RELOAD_PACE, minRestartMs: isc ? MIN_RESTART_MS : 0 },
    apply: async (signal) => server.bring(planDhcp(config, machines ?? []), signal),
  });

  const stop = new AbortController();
  const following = followFeed<MachineRecord>({
    url: serviceUrl(config, 'mdbsync'),
    secret,
    pk: 'mac',
    watch: WATCH,
    log,
    signal: stop.signal,
    onLine(state, changes) {
      const first = machines === undefined;
      machines = [...state.values()];
      if (first || changes.size > 0) applier.changed();
    },
  });
  return {
    async close() {
      stop.abort();
      await Promise.all([following, applier.close(), server.close()]);
    },
  };
};
