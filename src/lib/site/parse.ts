import { resolve } from 'node:path';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { ProloError } from '../errors.ts';
import { inRange, parseCidr, parseIp, parsePorts, parseRange } from '../net.ts';
import { checkAgainst, type Formats, type Schema } from './check.ts';
import { type Config, ConfigSchema, MTYPES } from './schema.ts';

export const FORMATS: Formats = {
  'prolo-ip': { words: 'an IPv4 address', accepts: (text) => parseIp(text) !== undefined },
  'prolo-cidr': {
    words: 'an IPv4 network, such as 10.0.0.0/8',
    accepts: (text) => parseCidr(text) !== undefined,
  },
  'prolo-range': { words: 'addresses FIRST-LAST', accepts: (text) => parseRange(text) !== undefined },
  'prolo-pool': {
    words: `addresses FIRST-LAST, or one of ${MTYPES.join(', ')}`,
    accepts: (text) => parseRange(text) !== undefined || (MTYPES as readonly string[]).includes(text),
  },
  'prolo-ports': { words: 'ports FIRST-LAST, above 1023', accepts: (text) => parsePorts(text) !== undefined },
  'prolo-url': { words: 'a URL, http:// or https://', accepts: (text) => /^https?:\/\/[^\s/]+/.test(text) },
};

/**
 * `prolo.yml` as text, checked, with every default filled in and frozen.
 * @throws ProloError `config` that names each bad place and what was expected there.
 */
export function parseConfig(yaml: string, file: string): Config {
  const document = parseDocument(yaml, { lineCounter: new LineCounter() });
  const syntax = document.errors[0];
  if (syntax) throw new ProloError('config', `${file}: ${syntax.message}`);
  const { value, problems } = checkAgainst(ConfigSchema as Schema, toValue(document, file) ?? {}, FORMATS);
  if (problems.length > 0)
    throw new ProloError(
      'config',
      problems.map(({ path, what }) => `${file}: ${path || '(top)'}: ${what}`).join('\n'),
      { hint: 'docs/config.md lists every key' },
    );
  const config = value as Config;
  const problem = checkTogether(config);
  if (problem) throw new ProloError('config', `${file}: ${problem}`);
  return config;
}

/** @throws ProloError `config` for aliases that would unfold without end */
function toValue(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw new ProloError('config', `${file}: ${(cause as Error).message}`, { cause });
  }
}

/** What one key cannot know about another; the first contradiction, as a sentence. */
function checkTogether(config: Config): string | undefined {
  for (const [index, network] of config.networks.entries()) {
    const cidr = parseCidr(network.cidr)!;
    if (network.gateway && !inRange(parseIp(network.gateway)!, cidr))
      return `networks.${index}.gateway: ${network.gateway} is not in ${network.cidr}`;
    const range = network.range ? parseRange(network.range) : undefined;
    if (range && !(inRange(range.first, cidr) && inRange(range.last, cidr)))
      return `networks.${index}.range: ${network.range} is not in ${network.cidr}`;
    const other = config.networks.findIndex((n, i) => i < index && overlap(parseCidr(n.cidr)!, cidr));
    if (other >= 0) return `networks.${index}.cidr: ${network.cidr} overlaps networks.${other}`;
  }
  for (const [index, uplink] of config.uplinks.entries()) {
    const onSite = config.networks.some((network) => network.interface === uplink.interface);
    const problem = uplinkProblem(uplink, onSite);
    if (problem) return `uplinks.${index}${problem}`;
  }
  const machines = config.networks
    .filter((network) => network.role === 'machines')
    .map((network) => parseCidr(network.cidr)!);
  for (const mtype of MTYPES) {
    const pool = poolRange(config, mtype);
    if (!pool) return `pools.${mtype}: ${config.pools[mtype]} is a pool that shares another's itself`;
    if (!machines.some((network) => inRange(pool.first, network) && inRange(pool.last, network)))
      return `pools.${mtype}: ${config.pools[mtype]} is in no network with role machines`;
    const leased = config.networks.findIndex(({ range }) => range && overlap(parseRange(range)!, pool));
    if (leased >= 0)
      return `pools.${mtype}: ${config.pools[mtype]} overlaps networks.${leased}.range, which is leased`;
  }
  const rfs = rfsProblem(config.rfs);
  if (rfs) return rfs;
  for (const [mtype, profile] of Object.entries(config.netboot.boots))
    if (!Object.hasOwn(config.netboot.profiles, profile))
      return `netboot.boots.${mtype}: profile ${profile} is not in netboot.profiles`;
  const uids = Object.entries(config.groups).map(([group, { uids }]) => {
    const [first, last] = uids.split('-').map(Number);
    return { group, first: first!, last: last! };
  });
  for (const [i, a] of uids.entries()) {
    if (a.last < a.first) return `groups.${a.group}.uids: the last is below the first`;
    const b = uids.slice(0, i).find((other) => overlap(a, other));
    if (b) return `groups.${a.group}.uids: overlaps those of ${b.group}`;
  }
  return undefined;
}

/** What is committed must not be this host, nor grow by each commit. */
function rfsProblem({ staging, dir }: Config['rfs']): string | undefined {
  // Both may be beside prolo.yml, wherever that is.
  const [tree, versions] = [resolve('/beside', staging), resolve('/beside', dir)];
  if (tree === '/') return `rfs.staging: ${staging} is this host`;
  return `${versions}/`.startsWith(`${tree}/`) ? `rfs.dir: ${dir} is in rfs.staging` : undefined;
}

function uplinkProblem({ address, gateway }: Config['uplinks'][number], onSite: boolean): string | undefined {
  if (address === undefined) {
    // Ours is the only DHCP server there.
    if (onSite) return '.address: not there, and on the NIC of the machines it is needed';
    return gateway === undefined ? undefined : '.gateway: there is no address beside it';
  }
  const [ip = '', prefix = ''] = address.split('/');
  const value = parseIp(ip);
  if (value === undefined) return `.address: ${ip} is no IPv4 address`;
  if (gateway === undefined) return '.gateway: not there, and an address needs it';
  const size = 2 ** (32 - Number(prefix));
  return Math.floor(value / size) === Math.floor(parseIp(gateway)! / size)
    ? undefined
    : `.gateway: ${gateway} is not beside ${address}`;
}

function overlap(a: { first: number; last: number }, b: { first: number; last: number }): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** A pool's own range, or the range of the mtype that it names. */
export function poolRange(config: Config, mtype: (typeof MTYPES)[number]) {
  const pool = config.pools[mtype];
  return parseRange(pool) ?? parseRange(config.pools[pool as (typeof MTYPES)[number]] ?? '');
}
