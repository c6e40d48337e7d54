import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { packageRoot } from '../package-root.ts';
import type { Config } from '../site/schema.ts';
import { renderTemplate } from '../template.ts';
import { PROLO_USER, SITE_DIR } from './recipes/installed-site.ts';

/** What a daemon cannot do without; all else is taken from it. */
export interface DaemonNeeds {
  what: string;
  /** The gateway's database. */
  store?: boolean;
  /** It is root's, with these capabilities only. Without it, they are those of the user `prolo`. */
  root?: boolean;
  capabilities?: readonly string[];
  /** Folders that it writes to, beside the site's state. */
  writes?: (config: Config) => string[];
  /** It looks into home folders, root's own for one. */
  home?: boolean;
  /** It speaks on the console. */
  console?: boolean;
  /** It looks for processes of others. */
  processes?: boolean;
  packages?: { debian: readonly string[]; arch: readonly string[] };
}

/** root without these is nobody special: it can neither read what is another's, nor give files away. */
const FILES_OF_ALL = ['CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_CHOWN', 'CAP_FOWNER'];

const inState = (config: Config, path: string): string => resolve(SITE_DIR, config.state, path);

/** Every daemon that a server can have; presenced is of PCs, and for timers systemd has its own. */
export const DAEMON_NEEDS: Readonly<Record<string, DaemonNeeds>> = {
  mdb: { what: 'the machine database', store: true },
  udb: { what: 'the user database', store: true },
  mdbsync: { what: 'the feed of machines', store: true },
  udbsync: { what: 'the feed of users', store: true },
  presencesync: { what: 'who is logged on where, as a feed', store: true },
  rfssync: { what: 'what machines boot, as a feed', store: true },
  contestsync: { what: 'whether the contest runs, as a feed', store: true },
  hfsdb: { what: 'which server owns which home', store: true },
  netboot: { what: 'what machines boot', store: true },
  sso: { what: 'who sits at an address' },
  usermap: { what: 'who sits where, as a picture' },
  // Both write for servers that run as users of their own, and tell them.
  mdbdns: {
    what: 'zones of what is in MDB',
    root: true,
    capabilities: FILES_OF_ALL,
    writes: (config) => [inState(config, config.dns.dir)],
  },
  mdbdhcp: {
    what: 'leases of what is in MDB',
    root: true,
    capabilities: FILES_OF_ALL,
    writes: (config) => [inState(config, config.dhcp.dir), '/run/kea', '/run/lock', '/var/lib/kea'],
  },
  firewall: {
    what: 'who reaches the internet',
    capabilities: ['CAP_NET_ADMIN'],
    packages: { debian: ['nftables'], arch: ['nftables'] },
  },
  // systemd asks nobody else whether root may start a unit.
  contest: { what: 'services of the contest', root: true, capabilities: ['CAP_DAC_READ_SEARCH'] },
  hfs: {
    what: 'homes',
    root: true,
    // A home's port is opened to one seat.
    capabilities: [...FILES_OF_ALL, 'CAP_NET_ADMIN'],
    writes: ({ hfs, state }) => [
      resolve(SITE_DIR, state, hfs.dir),
      resolve(SITE_DIR, state, hfs.runDir),
      resolve(SITE_DIR, hfs.skeleton),
    ],
    processes: true,
    packages: {
      debian: ['e2fsprogs', 'nftables', 'qemu-system-common', 'qemu-utils', 'socat'],
      arch: ['e2fsprogs', 'nftables', 'qemu-img', 'socat'],
    },
  },
  passwd: {
    what: 'accounts of UDB on this host',
    root: true,
    capabilities: FILES_OF_ALL,
    writes: ({ accounts }) => [resolve(SITE_DIR, accounts.root, 'etc')],
    console: true,
  },
  rootssh: {
    what: 'keys of the roots of UDB on this host',
    root: true,
    capabilities: FILES_OF_ALL,
    writes: ({ accounts }) => [resolve(SITE_DIR, accounts.root, 'root')],
    home: true,
    console: true,
    packages: { debian: ['openssh-client'], arch: ['openssh'] },
  },
};

/** The file name of a daemon's unit; `hfs` is one of several. */
export const unitOf = (name: string): string =>
  name === 'hfs' ? 'prolo-hfs@.service' : `prolo-${name}.service`;

/** A daemon's unit, as a site's server needs it. */
export function renderDaemonUnit(name: string, config: Config): string {
  const { what, store = false, root, capabilities = [], writes, ...rest } = DAEMON_NEEDS[name]!;
  const url = /^sqlite:(.+)$/.exec(config.database ?? '')?.[1];
  const database = store && url !== undefined ? resolve(SITE_DIR, url) : undefined;
  const data = {
    ...{ name, what, store, database, capabilities, ...rest },
    user: root ? 'root' : PROLO_USER,
    config: join(SITE_DIR, 'prolo.yml'),
    writes: [
      resolve(SITE_DIR, config.state),
      ...(database === undefined ? [] : [dirname(database)]),
      ...(writes?.(config) ?? []),
    ],
  };
  const own = join(packageRoot, 'templates/systemd', unitOf(name));
  const unit = existsSync(own) ? readFileSync(own, 'utf8') : renderTemplate('install/daemon.service', data);
  const limits = renderTemplate('install/hardening.conf', data);
  return `${unit.trimEnd()}\n\n# What it may do.\n${limits}`;
}
