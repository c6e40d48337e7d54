import { isIPv4 } from 'node:net';
import type { Machine, SwitchRecord } from '../../mdb/record.ts';
import { decideBoot, netbootUrl } from '../../netboot/boot.ts';
import type { MdbView } from '../../netboot/view.ts';
import { inRange, parseCidr, parseIp } from '../../net.ts';
import type { Manifest } from '../../rfs/manifest.ts';
import { filesFor } from '../../rfs/record.ts';
import type { Config } from '../../site/schema.ts';
import { hfsUrl } from '../../site/site.ts';
import { filesToBoot } from '../checks/boot.ts';
import type { Order } from './order.ts';

/** What the gateway knows of the site, and got itself where machines are to get the same. */
export interface Known {
  config: Config;
  view: MdbView;
  switches: SwitchRecord[];
  manifests: readonly Manifest[];
  /** Logins by hostname. */
  sessions: ReadonlyMap<string, string>;
  /** This host's own. */
  addresses: ReadonlySet<string>;
  /** Of files by TFTP, by name. */
  tftp: ReadonlyMap<string, string>;
  /** Of the beginnings of boot files, by URL. */
  heads: ReadonlyMap<string, string>;
}

/** What each of those machines is asked. Of each boot file, the first machine that boots it fetches it whole. */
export function planOrders(known: Known, machines: readonly Machine[]): Map<string, Order> {
  const fetched = new Set<string>();
  return new Map(machines.map((machine) => [machine.hostname, planOrder(known, machine, fetched)]));
}

/** Beginnings of these are needed in `heads`. */
export function urlsOf({ config, view, manifests }: Known, machines: readonly Machine[]): string[] {
  return [
    ...new Set(
      machines.flatMap((machine) => filesToBoot(config, view, manifests, machine).map(({ url }) => url)),
    ),
  ];
}

/** Where a machine's firmware gets its boot file; undefined where its network is not served. */
export function tftpServerOf({ networks, dhcp }: Config, { ip }: Pick<Machine, 'ip'>): string | undefined {
  const network = networks.find(({ cidr }) => inRange(parseIp(ip)!, parseCidr(cidr)!));
  return network?.dhcp && network.role !== 'empty' ? (dhcp.nextServer ?? network.gateway) : undefined;
}

function planOrder(known: Known, machine: Machine, fetched: Set<string>): Order {
  const { config, view, manifests } = known;
  const { hostname, ip, mac, rfs, hfs, room } = machine;
  const network = config.networks.find(({ cidr }) => inRange(parseIp(ip)!, parseCidr(cidr)!));
  const gateways = config.networks.flatMap(({ gateway }) => gateway ?? []);
  const tftp = tftpServerOf(config, machine);
  const booted = decideBoot(config, view, { mac, base: netbootUrl(config) });
  const isPc = booted.kind === 'kernel' && booted.args.includes('nfsroot=');
  const version = filesFor(view.boots, machine)?.version;
  const server = view.byName.get(`rfs${rfs}`);
  const others = [`hfs${hfs}`, `rfs${rfs}`].flatMap((name) => {
    const one = view.byName.get(name);
    return one ? [{ name, ip: one.ip }] : [];
  });
  const homes = isPc ? homesOf(known, machine) : undefined;
  return {
    ...{ hostname, ip, mac, at: { rfs, hfs, room } },
    ...(network ? { prefix: parseCidr(network.cidr)!.prefix } : {}),
    ...(network?.gateway ? { gateway: network.gateway } : {}),
    served: network?.dhcp === true && network.role !== 'empty',
    dhcpServers: [...new Set([...gateways, ...known.addresses])],
    names: [{ name: hostname, ip }, ...others].map((one) => ({
      ...one,
      name: `${one.name}.${config.domain}`,
    })),
    ...(others[0] ? { short: others[0] } : {}),
    tftp: tftp
      ? (['bios', 'uefi'] as const).map((firmware) => {
          const file = config.dhcp[`${firmware}File`];
          const sha256 = known.tftp.get(file);
          return { server: tftp, file, firmware, ...(sha256 ? { sha256 } : {}) };
        })
      : [],
    boot: filesToBoot(config, view, manifests, machine).map((file) => {
      const whole = !fetched.has(file.url) && file.sha256 !== undefined;
      fetched.add(file.url);
      const head = known.heads.get(file.url);
      return { ...file, whole, ...(head ? { head } : {}) };
    }),
    ...(isPc && server
      ? {
          nfs: {
            server: server.hostname,
            ip: server.ip,
            path: version === undefined ? config.netboot.nfsPath : config.rfs.dir,
            ...(version === undefined ? {} : { image: `${config.rfs.dir}/${version}/root.img` }),
          },
        }
      : {}),
    ...(homes ? { homes } : {}),
    timeServers:
      config.dhcp.ntpServers.length > 0 ? config.dhcp.ntpServers : network?.gateway ? [network.gateway] : [],
    switches: known.switches,
    ...(isPc && version !== undefined ? { version } : {}),
  };
}

/** By address: that its name is found is another question, and the gateway's own way to it may not be a PC's. */
function homesOf({ config, view, sessions }: Known, { hfs, hostname }: Machine): Order['homes'] {
  const machine = view.byName.get(`hfs${hfs}`);
  if (!machine) return undefined;
  const url = new URL(hfsUrl(config, hfs));
  if (!isIPv4(url.hostname) || url.hostname.startsWith('127.')) url.hostname = machine.ip;
  const login = sessions.get(hostname);
  return { server: `hfs${hfs}`, url: url.href.replace(/\/$/, ''), ...(login === undefined ? {} : { login }) };
}
