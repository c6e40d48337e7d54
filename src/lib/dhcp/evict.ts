import { inRange, parseIp } from '../net.ts';
import type { DhcpPlan } from './plan.ts';

/** A lease as Kea's lease commands tell it. */
export interface KeaLease {
  'ip-address': string;
  'hw-address': string;
  /** 0: in use. */
  state: number;
}

/**
 * Leases that MDB stands behind no more. One of a swapped PC would keep the new one from its address until it ends, and
 * a machine that MDB has forgotten would keep its own. Without its lease it is told no when it asks again, and starts anew.
 */
export function staleLeases(leases: readonly KeaLease[], plan: DhcpPlan): KeaLease[] {
  const owners = new Map(plan.hosts.map(({ ip, mac }) => [ip, mac]));
  const ranges = plan.wires.flatMap(({ subnets }) => subnets.flatMap(({ range }) => range ?? []));
  return leases.filter((lease) => {
    const owner = owners.get(lease['ip-address']);
    const ip = parseIp(lease['ip-address']);
    if (lease.state !== 0 || ip === undefined) return false;
    return owner ? owner !== lease['hw-address'].toLowerCase() : !ranges.some((range) => inRange(ip, range));
  });
}
