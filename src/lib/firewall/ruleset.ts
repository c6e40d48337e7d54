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

/** @param json what nft prints for `LIST_TABLE` */
export function parseSets(json: string): Allowed {
  const { nftables } = JSON.parse(json) as { nftables: { set?: { name?: string; elem?: string[] } }[] };
  const of = (name: string) => new Set(nftables.flatMap(({ set }) => (set?.name === name ? set.elem ?? [] : []))); // prettier-ignore
  return { internet: of('internet'), lent: of('lent') };
}
