import type { Host } from './plan.ts';

/** A lease as Kea's lease commands tell it. */
export interface KeaLease {
  'ip-address': string;
  'hw-address': string;
  /** 0: in use. */
  state: number;
}

/**
 * Leases that keep a machine from the address which MDB gives it, because the PC that stood there before holds it still:
 * Kea would let the new one wait until they end.
 */
export function leasesInTheWay(leases: readonly KeaLease[], hosts: readonly Host[]): KeaLease[] {
  const owners = new Map(hosts.map(({ ip, mac }) => [ip, mac]));
  return leases.filter((lease) => {
    const owner = owners.get(lease['ip-address']);
    return owner !== undefined && lease.state === 0 && lease['hw-address'].toLowerCase() !== owner;
  });
}
