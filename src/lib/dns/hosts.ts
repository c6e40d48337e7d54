import { formatIp, inRange, parseCidr, parseIp, parseRange, type Range } from '../net.ts';
import { quote } from '../mdb/validate.ts';
import type { Config, NetworkConfig } from '../site/schema.ts';
import { serviceUrl } from '../site/site.ts';

/** A name within the domain and its address. */
export interface Host {
  name: string;
  ip: number;
  /** Whom it comes from: `machine pas-r01p01`, `network alien`. */
  owner: string;
}

/** What DNS wants to know of a machine; from a feed, so each field is looked at before it is used. */
export interface DnsMachine {
  hostname: string;
  aliases: string;
  ip: string;
}

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const MOST_STRANGERS = 65_536;

/**
 * Every name of every machine, its hostname before its aliases. What cannot be a name, is another's, or has no address
 * is left out and said in `problems`: it holds up no other machine.
 */
export function machineHosts(
  networks: readonly NetworkConfig[],
  machines: Iterable<DnsMachine>,
): { hosts: Host[]; problems: string[] } {
  const ranges = networks.map(({ cidr }) => parseCidr(cidr)!);
  const known = new Set<string>();
  const hosts: Host[] = [];
  const problems: string[] = [];
  for (const machine of [...machines].sort(byHostname)) {
    const owner = `machine ${textOf(machine.hostname)}`;
    const complain = (what: string): void =>
      void problems.push(`machine ${quote(machine.hostname)}: ${what}`);
    const names = goodNames(machine, known, complain);
    const ip = typeof machine.ip === 'string' ? parseIp(machine.ip) : undefined;
    if (ip === undefined) complain(`ip ${quote(machine.ip)} is not an IPv4 address; left out`);
    else if (!ranges.some((range) => inRange(ip, range)))
      complain(`ip ${machine.ip} is in no network; it gets no reverse name`);
    if (ip !== undefined) for (const name of names) hosts.push({ name, ip, owner });
  }
  return { hosts, problems };
}

/** The names that are good and nobody else's, now known; none for a machine whose hostname is not. */
function goodNames(machine: DnsMachine, known: Set<string>, complain: (what: string) => void): string[] {
  const { hostname, aliases } = machine;
  const names: string[] = [];
  const all = [hostname, ...(typeof aliases === 'string' && aliases ? aliases.split(',') : [])];
  for (const [i, name] of all.entries()) {
    if (names.includes(name)) continue;
    const good = typeof name === 'string' && LABEL.test(name);
    if (good && !known.has(name)) {
      known.add(name);
      names.push(name);
      continue;
    }
    complain(
      `${i === 0 ? 'its name' : `alias ${quote(name)}`} ${good ? 'is in use' : 'is not a DNS name'}; left out`,
    );
    if (i === 0) break;
  }
  return names;
}

function byHostname(a: DnsMachine, b: DnsMachine): number {
  const [x, y] = [textOf(a.hostname), textOf(b.hostname)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : quote(value);
}

/** The gateway's name, and `gw.<network>` for its foot in each further network. */
export function gatewayHosts(config: Config): Host[] {
  const feet = config.networks.filter(({ role, gateway }) => role !== 'empty' && gateway);
  const first = feet.find(({ role }) => role === 'machines')?.gateway ?? config.dns.listen[0] ?? '127.0.0.1';
  const further = feet.filter(({ gateway }) => gateway !== first);
  return [
    { name: config.gateway, ip: parseIp(first)!, owner: 'the gateway' },
    ...further.map(({ name, gateway }) => ({
      name: `${config.gateway}.${name}`,
      ip: parseIp(gateway!)!,
      owner: `network ${name}`,
    })),
  ];
}

/**
 * `alien-X` for each address that is leased to the unknown: X is its last number, or the last two where the network is
 * larger than /24. In all but the first alien network the network's name follows: `alien-200.cluster`.
 */
export function strangerHosts(config: Config, network: NetworkConfig): Host[] {
  const range = leasedRange(network);
  if (!range || range.last - range.first >= MOST_STRANGERS) return [];
  const first = network === config.networks.find(({ role }) => role === 'alien');
  const fixedParts = Math.floor(parseCidr(network.cidr)!.prefix / 8);
  const hosts: Host[] = [];
  for (let ip = range.first; ip <= range.last; ip++) {
    if (formatIp(ip) === network.gateway) continue;
    const parts = formatIp(ip).split('.');
    const name = `alien-${parts.slice(Math.min(fixedParts, 3)).join('-')}`;
    hosts.push({ name: first ? name : `${name}.${network.name}`, ip, owner: `network ${network.name}` });
  }
  return hosts;
}

function leasedRange({ role, cidr, range }: NetworkConfig): Range | undefined {
  if (range) return parseRange(range);
  if (role !== 'alien') return undefined;
  const { first, last } = parseCidr(cidr)!;
  return { first: first + 1, last: last - 1 };
}

/** The gateway's names that lead an alien to netboot: `netboot`, and what else the config calls it within the domain. */
export function netbootHosts(config: Config, { name: network, gateway }: NetworkConfig): Host[] {
  const suffix = `.${config.domain}`;
  const named = [serviceUrl(config, 'netboot'), config.netboot.url ?? '']
    .filter((url) => URL.canParse(url))
    .map((url) => new URL(url).hostname)
    .map((host) => (host.endsWith(suffix) ? host.slice(0, -suffix.length) : host))
    .filter((name) => LABEL.test(name));
  const names = [...new Set([config.gateway, 'netboot', ...named])];
  return names.map((name) => ({ name, ip: parseIp(gateway!)!, owner: `network ${network}` }));
}
