import type { Lease } from '../dhcp/leases.ts';
import type { StageEvent } from './stages.ts';

/**
 * What a line of the lease file tells of a boot, given each machine's last one (`seen`, which is brought up to date). A
 * client renews at half its lease: one that asks earlier has started anew.
 */
export function leaseEvent(seen: Map<string, Lease>, lease: Lease): StageEvent | undefined {
  const before = seen.get(lease.mac);
  if (lease.gone || (before && lease.startMs <= before.startMs)) return undefined;
  seen.set(lease.mac, lease);
  const elapsedMs = lease.startMs - (before?.startMs ?? 0);
  const renewal =
    before?.ip === lease.ip && elapsedMs >= 0.4 * before.lifetimeMs && elapsedMs <= before.lifetimeMs;
  return { mac: lease.mac, stage: 'address', atMs: lease.startMs, ip: lease.ip, renewal };
}
