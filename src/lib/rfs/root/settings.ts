import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packageRoot } from '../../package-root.ts';
import type { Config } from '../../site/schema.ts';
import { renderTemplate } from '../../template.ts';
import { shapingLines } from './shaping.ts';
import type { TreeEntry } from './tree-entry.ts';

/** A folder of templates: a file there is the same file in the tree. */
const TREE = 'rfs/root/tree';

/** Timers that would fetch or tidy on every PC at the same minute; what would take the network over that the root came by. */
const MASKED = [
  ...'apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service'.split(
    ' ',
  ),
  ...'fstrim.timer man-db.timer pacman-filesdb-refresh.timer archlinux-keyring-wkd-sync.timer'.split(' '),
  ...'NetworkManager.service networking.service unattended-upgrades.service'.split(' '),
];

/** UIDs of those who have a home: roots come in without one. */
export function homeRanges({ groups }: Config): string[] {
  return [groups.user.uids, groups.orga.uids];
}

/** Files that say how this site's machines behave. */
export function settingEntries(config: Config): (TreeEntry & { data: string })[] {
  const uids = homeRanges(config).map((range) => {
    const [first, last] = range.split('-').map(Number);
    return { first, last };
  });
  const gateways = config.networks.flatMap(({ role, gateway }) =>
    role === 'machines' && gateway ? [gateway] : [],
  );
  const data = {
    uids,
    limits: config.limits,
    shaping: shapingLines(config),
    ntp: config.dhcp.ntpServers.length > 0 ? config.dhcp.ntpServers : gateways,
  };
  const dir = join(packageRoot, 'templates', TREE);
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      const path = relative(dir, file);
      const mode = statSync(file).mode & 0o111 ? 0o755 : 0o644;
      return { path, data: renderTemplate(join(TREE, path), data), mode };
    });
}

/** What a machine must not have from the one that the tree was made on, and what comes with the network. */
export function plainEntries({ timezone }: Pick<Config, 'timezone'>): TreeEntry[] {
  return [
    { path: 'etc/hostname', absent: true }, // it comes by DHCP
    { path: 'etc/machine-id', data: '', mode: 0o444 },
    { path: 'var/lib/dbus/machine-id', link: '/etc/machine-id' },
    { path: 'etc/localtime', link: `/usr/share/zoneinfo/${timezone ?? ownTimeZone()}` },
    ...MASKED.map((unit) => ({ path: `etc/systemd/system/${unit}`, link: '/dev/null' })),
  ];
}

/** The gateway's: all of a site is in one place. */
function ownTimeZone(): string {
  try {
    const zone = /zoneinfo\/(.+)$/.exec(readlinkSync('/etc/localtime'))?.[1];
    if (zone) return zone;
  } catch {
    // none
  }
  return 'Etc/UTC';
}

const LOCAL = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback'];

/** /etc/hosts with this machine in it, and without the one that the tree was made on. */
export function withLocalhost(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '' && !/^127\.0\.1\.1\s/.test(line));
  const names = (address: string): boolean =>
    lines.some((line) => line.split(/\s+/)[0] === address && /\slocalhost(\s|$)/.test(line));
  const missing = LOCAL.filter((line) => !names(line.split('\t')[0]!));
  return [...missing, ...lines].join('\n') + '\n';
}
