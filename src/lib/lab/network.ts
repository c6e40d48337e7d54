import { parseCidr } from '../net.ts';
import type { Config } from '../site/schema.ts';

/** The lab's own wire: a network namespace with a bridge that has the gateway's address in each network of the site. */
export interface NetworkPlan {
  netns: string;
  bridge: string;
  /** `192.168.1.254/23`, … */
  addresses: string[];
  /** The first is the gateway's on the wire of machines; machines reach services there. */
  gateway: string;
  /** The prefix that router advertisements announce: without any, each iPXE waits 16 s for one. */
  ipv6Prefix: string;
}

/** Names of the namespaces that a process made; one whose process is gone can be swept away. */
export const NETNS_PREFIX = 'prolo-lab-';

const BRIDGE_MAC = '52:54:00:70:63:fe';

export function planNetwork(config: Config, netns: string): NetworkPlan {
  const served = config.networks.filter((network) => network.gateway !== undefined);
  const addresses = served.map(({ cidr, gateway }) => `${gateway}/${parseCidr(cidr)!.prefix}`);
  const gateway = served.find((network) => network.role === 'machines')?.gateway ?? '127.0.0.1';
  return { netns, bridge: 'br0', addresses, gateway, ipv6Prefix: 'fd70:726f:6c6f::' };
}

/** What makes the namespace, in order; each is one program with its arguments. */
export function networkCommands(plan: NetworkPlan): string[][] {
  const ip = ['ip', '-n', plan.netns];
  return [
    ['ip', 'netns', 'add', plan.netns],
    [...ip, 'link', 'set', 'lo', 'up'],
    // 0x4000 lets LLDP (01:80:c2:00:00:0e) through, which a bridge otherwise keeps to itself.
    [
      ...ip,
      'link',
      'add',
      plan.bridge,
      // Of its own: a bridge else takes the lowest of its ports', and PCs lose the gateway when one is plugged or pulled.
      'address',
      BRIDGE_MAC,
      'type',
      'bridge',
      'forward_delay',
      '0',
      'mcast_snooping',
      '0',
      'group_fwd_mask',
      '0x4000',
    ],
    ...plan.addresses.map((address) => [...ip, 'addr', 'add', address, 'dev', plan.bridge]),
    [...ip, '-6', 'addr', 'add', `${plan.ipv6Prefix}1/64`, 'dev', plan.bridge, 'nodad'],
    [...ip, 'link', 'set', plan.bridge, 'up'],
  ];
}

/** A port of the bridge for a virtual PC. */
export function tapCommands(plan: NetworkPlan, tap: string): string[][] {
  const ip = ['ip', '-n', plan.netns];
  return [
    [...ip, 'tuntap', 'add', 'dev', tap, 'mode', 'tap'],
    [...ip, 'link', 'set', tap, 'master', plan.bridge, 'up'],
  ];
}

/** A port of the bridge with its other end, `eth0`, in a namespace of its own: a seat without a PC. */
export function seatCommands(
  plan: NetworkPlan,
  seat: { netns: string; port: string; mac: string },
): string[][] {
  return [
    ['ip', 'netns', 'add', seat.netns],
    [
      'ip',
      '-n',
      plan.netns,
      'link',
      'add',
      seat.port,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'address',
      seat.mac,
      'netns',
      seat.netns,
    ],
    ['ip', '-n', plan.netns, 'link', 'set', seat.port, 'master', plan.bridge, 'up'],
    ['ip', '-n', seat.netns, 'link', 'set', 'lo', 'up'],
    ['ip', '-n', seat.netns, 'link', 'set', 'eth0', 'up'],
  ];
}
