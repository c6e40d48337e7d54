import type { Config } from '../site/schema.ts';
import { SERVICES } from '../site/site.ts';

/** What a server is in a site: recipes in their order, and the names by which others ask for it. */
export interface Role {
  summary: string;
  recipes(config: Config): string[];
  aliases(hostname: string): string[];
  /** It is what many machines boot, and no server: a folder, nothing that MDB knows. */
  isTree?: true;
}

const FIRST = ['base', 'nic-configuration', 'lldp'];
/** The resolver at the end: until then, packages come from where names were asked before. */
const LAST = ['node-exporter', 'process-exporter', 'journal-upload', 'resolver'];
const ACCOUNTS = ['passwd', 'rootssh'];
/** In the order in which the gateway starts them: sources, feeds, who follows them. */
const GATEWAY_DAEMONS = [
  ...['mdb', 'udb', 'mdbsync', 'udbsync', 'presencesync', 'rfssync', 'contestsync', 'hfsdb', 'netboot'],
  ...['sso', 'usermap', 'mdbdns', 'mdbdhcp', 'firewall', 'contest'],
];

export const SERVER_ROLES: Readonly<Record<string, Role>> = {
  gw: {
    summary: 'the gateway: its databases, names, addresses, what machines boot, the way out',
    recipes: ({ database = '' }) => [
      ...FIRST,
      ...['hosts', 'networkd', 'router', 'conntrack', 'ntp-server'],
      ...(database.startsWith('postgres') ? ['postgresql'] : []),
      ...['prolo', 'registration', ...GATEWAY_DAEMONS, ...ACCOUNTS],
      ...['named', 'dhcp', 'tftp', 'nginx'],
      ...LAST,
    ],
    aliases: () => [...SERVICES.filter((name) => name !== 'hfs'), 'ns', 'ntp'],
  },
  rhfs: {
    summary: 'a root and home file server',
    recipes: () => [
      ...FIRST,
      ...['networkd-dhcp', 'sysctl', 'prolo', 'nfs-exports', 'boot-files', 'hfs'],
      ...ACCOUNTS,
      ...LAST,
    ],
    aliases: (hostname) => {
      const n = /^rhfs(\d)/.exec(hostname)?.[1];
      if (n === undefined) return [];
      return [...(n === '0' ? ['rhfs', 'rfs', 'hfs'] : []), `rfs${n}`, `hfs${n}`];
    },
  },
  web: {
    summary: 'a server of pages that know who asks',
    recipes: () => [...FIRST, 'networkd-dhcp', 'prolo', 'sso', 'nginx-sso', ...ACCOUNTS, ...LAST],
    aliases: () => [],
  },
  monitoring: {
    summary: 'metrics, alarms and the journals of all',
    recipes: () => [...FIRST, 'networkd-dhcp', 'prolo', 'prometheus', 'journal-remote', ...LAST],
    aliases: () => ['prometheus', 'journal-aggregator'],
  },
  rfs: {
    summary: 'the root filesystem that PCs boot, in its staging folder: `--root STAGING`',
    recipes: () => ['seat'],
    aliases: () => [],
    isTree: true,
  },
};

/** Those that a machine can have. */
export const MACHINE_ROLES: readonly string[] = Object.keys(SERVER_ROLES).filter(
  (role) => !SERVER_ROLES[role]!.isTree,
);

/** Recipes by name, with those of roles in their place, and the last role that was named. */
export function expandRoles(
  words: readonly string[],
  config: Config,
): { recipes: string[]; role: string | undefined } {
  const isRole = (word: string): boolean => Object.hasOwn(SERVER_ROLES, word);
  return {
    recipes: [
      ...new Set(words.flatMap((word) => (isRole(word) ? SERVER_ROLES[word]!.recipes(config) : [word]))),
    ],
    role: words.filter(isRole).at(-1),
  };
}
