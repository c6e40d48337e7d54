import type { Config } from '../site/schema.ts';
import type { DhcpPlan } from './plan.ts';

export interface Listen {
  /** NAME/ADDRESS: on a NIC with several Kea would open a socket for each, answer every packet as often, and use up the aliens' addresses as fast. */
  interfaces: string[];
  /**
   * The NIC, where it is one alone: Kea then takes what comes in by it for the wire's. Otherwise it goes by the NIC's first
   * address, which may be on a network that is not ours.
   */
  nic?: string;
}

/**
 * Where Kea is to listen.
 * @param addresses the IPv4 addresses of each NIC of this host
 */
export function listenOn(
  config: Config,
  plan: DhcpPlan,
  addresses: ReadonlyMap<string, readonly string[]>,
): Listen {
  const served = plan.wires.map((wire) => ({
    nic: wire.interface,
    subnets: wire.subnets.filter(({ role }) => role !== 'empty'),
  }));
  const gateways = served.flatMap(({ subnets }) => subnets.flatMap(({ gateway }) => gateway ?? []));
  const gatewayOn = (nic: string): string | undefined =>
    gateways.find((gateway) => addresses.get(nic)?.includes(gateway));
  const named = config.dhcp.interfaces.length
    ? config.dhcp.interfaces
    : served.flatMap(({ nic, subnets }) => (nic && subnets.length > 0 ? [nic] : []));
  const nics = named.length > 0 ? named : [...addresses.keys()].filter(gatewayOn);
  const listened = nics.map((nic) => {
    const gateway = nic.includes('/') ? undefined : gatewayOn(nic);
    return gateway ? `${nic}/${gateway}` : nic;
  });
  const [only, ...others] = [...new Set(listened.map((entry) => entry.split('/')[0]!))];
  return {
    interfaces: listened.length > 0 ? listened : ['*'],
    ...(only && others.length === 0 ? { nic: only } : {}),
  };
}
