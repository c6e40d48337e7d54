import type { Config } from '../site/schema.ts';
import { renderTemplate } from '../template.ts';

const TABLE = 'prolo-internet';

/** The rules, for `nft -f`: one transaction, in which nobody may until `renderSet` says who. */
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
export function renderSet(addresses: Iterable<string>): string {
  return `flush set inet ${TABLE} internet\n${renderElements('add', addresses)}`;
}

/** Who may from now on, and who no more. */
export function renderChange({ add, remove }: { add: string[]; remove: string[] }): string {
  return renderElements('delete', remove) + renderElements('add', add);
}

function renderElements(verb: 'add' | 'delete', addresses: Iterable<string>): string {
  const list = [...addresses];
  return list.length === 0 ? '' : `${verb} element inet ${TABLE} internet { ${list.join(', ')} }\n`;
}

export const LIST_SET = ['-j', 'list', 'set', 'inet', TABLE, 'internet'];

/** @param json what nft prints for `LIST_SET` */
export function parseSet(json: string): Set<string> {
  const { nftables } = JSON.parse(json) as { nftables: { set?: { elem?: string[] } }[] };
  return new Set(nftables.flatMap(({ set }) => set?.elem ?? []));
}
