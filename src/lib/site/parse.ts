import { Format } from 'typebox/format';
import { Value } from 'typebox/value';
import { LineCounter, parseDocument } from 'yaml';
import { ProloError } from '../errors.ts';
import { inRange, parseCidr, parseIp, parseRange } from '../net.ts';
import { type Config, ConfigSchema, MTYPES } from './schema.ts';

Format.Set('prolo-ip', (text) => parseIp(text) !== undefined);
Format.Set('prolo-cidr', (text) => parseCidr(text) !== undefined);
Format.Set('prolo-range', (text) => parseRange(text) !== undefined);
Format.Set(
  'prolo-pool',
  (text) => parseRange(text) !== undefined || (MTYPES as readonly string[]).includes(text),
);
Format.Set('prolo-url', (text) => /^https?:\/\/[^\s/]+/.test(text));

/**
 * `prolo.yml` as text, checked, with every default filled in and frozen.
 * @throws ProloError `config` that names each bad place and what was expected there.
 */
export function parseConfig(yaml: string, file: string): Config {
  const document = parseDocument(yaml, { lineCounter: new LineCounter() });
  const syntax = document.errors[0];
  if (syntax) throw new ProloError('config', `${file}: ${syntax.message}`);
  const config: unknown = Value.Default(ConfigSchema, document.toJS() ?? {});
  if (!Value.Check(ConfigSchema, config))
    throw new ProloError('config', describeErrors(config, file), { hint: 'docs/config.md lists every key' });
  const problem = checkTogether(config);
  if (problem) throw new ProloError('config', `${file}: ${problem}`);
  return deepFreeze(config);
}

interface SchemaLike {
  description?: string;
  properties?: Record<string, SchemaLike>;
  items?: SchemaLike;
  patternProperties?: Record<string, SchemaLike>;
}

function describeErrors(config: unknown, file: string): string {
  const lines = new Map<string, string>();
  for (const error of Value.Errors(ConfigSchema, config)) {
    const { keyword, params } = error as { keyword: string; params: { additionalProperties?: string[] } };
    const path = error.instancePath.split('/').slice(1);
    if (keyword === 'additionalProperties')
      for (const key of params.additionalProperties ?? []) {
        const known = Object.keys(schemaAt(path)?.properties ?? {});
        lines.set(
          [...path, key].join('.'),
          known.length ? `unknown key; known here: ${known.join(', ')}` : 'unknown key, or a bad name',
        );
      }
    else if (keyword !== 'boolean' && keyword !== 'anyOf' && !lines.has(path.join('.'))) {
      const expected = schemaAt(path)?.description ?? error.message;
      lines.set(
        path.join('.'),
        `expected ${expected} (${error.message}), got ${JSON.stringify(valueAt(config, path)) ?? 'nothing'}`,
      );
    } else if (keyword === 'anyOf')
      lines.set(path.join('.'), `expected ${schemaAt(path)?.description ?? error.message}`);
  }
  return [...lines].map(([path, what]) => `${file}: ${path || '(top)'}: ${what}`).join('\n');
}

function schemaAt(path: string[]): SchemaLike | undefined {
  let schema: SchemaLike | undefined = ConfigSchema as SchemaLike;
  for (const key of path)
    schema =
      schema?.properties?.[key] ??
      (/^\d+$/.test(key) ? schema?.items : Object.values(schema?.patternProperties ?? {})[0]);
  return schema;
}

function valueAt(value: unknown, path: string[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value);
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
  const machines = config.networks
    .filter((network) => network.role === 'machines')
    .map((network) => parseCidr(network.cidr)!);
  for (const mtype of MTYPES) {
    const pool = poolRange(config, mtype);
    if (!pool) return `pools.${mtype}: ${config.pools[mtype]} is a pool that shares another's itself`;
    if (!machines.some((network) => inRange(pool.first, network) && inRange(pool.last, network)))
      return `pools.${mtype}: ${config.pools[mtype]} is in no network with role machines`;
  }
  for (const [mtype, profile] of Object.entries(config.netboot.boots))
    if (!config.netboot.profiles[profile])
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

function overlap(a: { first: number; last: number }, b: { first: number; last: number }): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** A pool's own range, or the range of the mtype that it names. */
export function poolRange(config: Config, mtype: (typeof MTYPES)[number]) {
  const pool = config.pools[mtype];
  return parseRange(pool) ?? parseRange(config.pools[pool as (typeof MTYPES)[number]] ?? '');
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
