import { parseIp } from '../net.ts';
import type { Config } from '../site/schema.ts';
import { type DnsMachine, gatewayHosts, machineHosts, netbootHosts, strangerHosts } from './hosts.ts';
import type { Zone } from './zone.ts';
import { zonesOf } from './zones.ts';

export interface View {
  name: string;
  /** The networks that see it. */
  clients: string[];
  /** Whether it also answers for the rest of the world. */
  recursion: boolean;
  zones: Zone[];
}

export interface DnsPlan {
  /** The first view that names a client's network is the one that it sees; a client that none names gets no answer. */
  views: View[];
  /** Which machines could not be given a name, and why. */
  problems: string[];
}

/**
 * All that the site's name server says. Every name of a machine is an A record, aliases too: `ns` may then be one, and a
 * client has its answer in one step. What MDB says comes before the names that are made up here.
 */
export function planDns(config: Config, machines: Iterable<DnsMachine>): DnsPlan {
  const networks = config.networks.filter(({ role }) => role !== 'empty');
  const { hosts, problems } = machineHosts(networks, machines);
  const names = new Set(hosts.map(({ name }) => name));
  const addresses = new Set(hosts.map(({ ip }) => ip));
  const fixed = [
    ...gatewayHosts(config).filter(({ name }) => !names.has(name)),
    ...networks
      .flatMap((network) => strangerHosts(config, network))
      .filter(({ name, ip }) => !names.has(name) && !addresses.has(ip)),
  ];
  const all = [...hosts, ...fixed];
  const normal: View = {
    name: 'normal',
    clients: ['127.0.0.0/8', ...networks.filter(({ role }) => role === 'machines').map(({ cidr }) => cidr)],
    recursion: true,
    zones: zonesOf(config, 'normal', all, all, networks),
  };
  return { views: [...alienViews(config), normal], problems };
}

/** What unknown machines see: the way to netboot, and who they are themselves. */
function alienViews(config: Config): View[] {
  const networks = config.networks.filter(({ role, gateway }) => role === 'alien' && gateway);
  return networks.map((network, i) => {
    const name = i === 0 ? 'alien' : `alien-${network.name}`;
    const gateway = {
      name: config.gateway,
      ip: parseIp(network.gateway!)!,
      owner: `network ${network.name}`,
    };
    const reverse = [gateway, ...strangerHosts(config, network)];
    return {
      name,
      clients: [network.cidr],
      recursion: false,
      zones: zonesOf(config, name, netbootHosts(config, network), reverse, [network]),
    };
  });
}
