import { setTimeout as sleep } from 'node:timers/promises';
import { followLeases, type Lease, readLeases } from '../dhcp/leases.ts';
import { dhcpPaths } from '../dhcp/paths.ts';
import type { Logger } from '../log.ts';
import type { Site } from '../site/site.ts';
import { leaseEvent } from './lease-events.ts';
import type { StageEvent } from './stages.ts';

/** Reports who got an address from now on, until aborted. A lease file that cannot be read is tried again. */
export async function watchLeases(
  site: Site,
  onEvent: (event: StageEvent) => void,
  signal: AbortSignal,
  log: Logger,
): Promise<void> {
  const seen = new Map<string, Lease>();
  const { leases: file } = dhcpPaths(site);
  while (!signal.aborted) {
    try {
      for (const lease of await readLeases(file)) leaseEvent(seen, lease); // the past, to know a renewal by
      await followLeases(
        file,
        (lease) => {
          const event = leaseEvent(seen, lease);
          if (event) onEvent(event);
        },
        { signal },
      );
    } catch (error) {
      log.warn({ file, error: String(error) }, 'netboot: cannot read the leases');
      await sleep(5000, undefined, { signal }).catch(() => undefined);
    }
  }
}
