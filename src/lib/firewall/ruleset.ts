import type { Config } from '../site/schema.ts';
import { renderTemplate } from '../template.ts';
import { type Allowed, difference } from './allowed.ts';

const TABLE = 'prolo-internet';
const SETS = ['internet', 'lent'] as const;
/** Of those to whom it is lent, after the last `renderAlive`. */
const LENT_SECONDS = 60;

/** The rules, for `nft -f`: one transaction, in which nobody may until `renderSets` says who. */
export function renderRules({ networks, firewall }: Pick<Config, 'networks' | 'firewall'>): string {
  return renderTemplate('nftables/firewall.nft', {
    table: TABLE,
    site: networks.map(({ cidr }) => cidr),
    machines: networks.filter(({ role }) => role === 'machines').map(({ cidr }) => cidr),
    nat: firewall.nat,
    log: firewall.log,
  });
}

/** Who may, all at once. */
export function renderSets(allowed: Allowed): string {
  return SETS.map(
    (set) => `flush set inet ${TABLE} ${set}\n${renderElements('add', set, [...allowed[set]])}`,
  ).join('');
}

/** Who may from now on, and who no more. */
export function renderChange(now: Allowed, wanted: Allowed): string {
  const changes = SETS.map((set) => ({ set, ...difference(now[set], wanted[set]) }));
  return [
    ...changes.map(({ set, remove }) => renderElements('delete', set, remove)),
    ...changes.map(({ set, add }) => renderElements('add', set, add)),
  ].join('');
}

/** What is lent is lent for another while; nftables itself takes it away from whoever does not say this again. */
export function renderAlive(): string {
  const element = `ipv4 timeout ${LENT_SECONDS}s`;
  return `flush set inet ${TABLE} alive\nadd element inet ${TABLE} alive { ${element} }\n`;
}

function renderElements(verb: 'add' | 'delete', set: string, list: readonly string[]): string {
  return list.length === 0 ? '' : `${verb} element inet ${TABLE} ${set} { ${list.join(', ')} }\n`;
}

export const LIST_TABLE = ['-j', 'list', 'table', 'inet', TABLE];

type Listed = { nftables: { set?: { name?: string; elem?: unknown[] } }[] };

const elementsOf = ({ nftables }: Listed, name: string): unknown[] =>
  nftables.flatMap(({ set }) => (set?.name === name ? (set.elem ?? []) : []));

/** What the sets hold. @param json what nft prints for `LIST_TABLE` */
export function parseSets(json: string): Allowed {
  const listed = JSON.parse(json) as Listed;
  const of = (name: string) => new Set(elementsOf(listed, name) as string[]);
  return { internet: of('internet'), lent: of('lent') };
}

/** Whom nftables lets through now. @param json as `parseSets` */
export function letThrough(json: string): Set<string> {
  const { internet, lent } = parseSets(json);
  const isAlive = elementsOf(JSON.parse(json) as Listed, 'alive').length > 0;
  return new Set([...internet, ...(isAlive ? lent : [])]);
}
