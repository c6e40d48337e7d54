import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { sourcesOf, TARGETS_ARGV } from '../../src/lib/rfs/root/init-sources.ts';
import { generateSecrets } from '../../src/lib/site/secrets.ts';
import { databaseUrl, loadSite } from '../../src/lib/site/site.ts';
import type { ConfigDraft } from '../../src/lib/site/write-config.ts';
import { openStore } from '../../src/lib/store/store.ts';
import { type CliResult, prolo, proloBin } from './cli.ts';

/** For `needs`. */
export const ROLE_PROGRAMS: Record<string, string> = {
  mmdebstrap: 'mmdebstrap',
  'systemd-nspawn': 'systemd-container',
  nsenter: 'util-linux',
  ip: 'iproute2',
};

const SUITE = 'bookworm';
/** What somebody has who installed Debian and nothing else, as far as a container needs it. */
const BARE = ['systemd-sysv', 'dbus', 'udev', 'iproute2', 'ca-certificates', 'openssh-server'];
const MAKE_MS = 500_000;

/** A bare Debian, packed: `unpackRoot` makes a host of it in a second. Its packages come from where this host's do. */
export function makeBareRoot(dir: string): string {
  const file = join(dir, 'bare.tar');
  const [program, ...args] = TARGETS_ARGV;
  const sources = sourcesOf(execFileSync(program, args, { encoding: 'utf8' }), SUITE);
  const into = ['--variant=minbase', `--include=${BARE.join(',')}`, SUITE, file, ...sources];
  execFileSync('mmdebstrap', ['--quiet', ...into], { stdio: ['ignore', 'ignore', 'pipe'], timeout: MAKE_MS });
  return file;
}

/** The site of roles under test: one wire, a NIC as containers have it. */
export const roleDraft = (database: string): ConfigDraft => ({
  name: 'finals',
  bind: ['127.0.0.1', '192.168.1.254', '192.168.250.254'],
  database,
  networks: [
    {
      ...{
        name: 'lan',
        cidr: '192.168.0.0/23',
        role: 'machines',
        gateway: '192.168.1.254',
        interface: 'host0',
      },
    },
    {
      ...{ name: 'alien', cidr: '192.168.250.0/24', role: 'alien', gateway: '192.168.250.254' },
      range: '192.168.250.1-192.168.250.253',
    },
  ] as NonNullable<ConfigDraft['networks']>,
  pools: {
    ...{ user: '192.168.0.1-192.168.0.253', orga: 'user', cluster: 'user' },
    service: '192.168.1.1-192.168.1.253',
  },
});

/** A host in a folder that is to have a role, with its share of the site. */
export interface RoleRoot {
  root: string;
  role: string;
  hostname: string;
  /** Runs `prolo install` for it to its end. */
  install(...flags: string[]): Promise<CliResult>;
  /** Kills it by SIGKILL when `moment` comes. @returns whether it came first */
  installKilled(moment: (gone: Promise<void>) => Promise<void>): Promise<boolean>;
}

/** A new site in a folder. */
export async function makeRoleSite(dir: string, draft: ConfigDraft): Promise<string> {
  const made = mkdtempSync(join(dir, 'site-'));
  chmodSync(made, 0o755);
  writeFileSync(join(made, 'prolo.yml'), stringify(draft));
  writeFileSync(join(made, 'secrets.yml'), stringify(generateSecrets()), { mode: 0o600 });
  if (draft.database!.startsWith('sqlite:'))
    await (await openStore(databaseUrl(loadSite(join(made, 'prolo.yml')), { create: true }))).close();
  return made;
}

/** A bare host. A gateway has its site with it, others have theirs when they are installed. */
export function unpackRoot(
  bare: string,
  dir: string,
  role: string,
  hostname: string,
  site: string,
): RoleRoot {
  const root = mkdtempSync(join(dir, `${role}-`));
  execFileSync('tar', ['--extract', '--numeric-owner', `--file=${bare}`, `--directory=${root}`]);
  const from = role === 'gw' ? join(root, 'etc/prolo') : site;
  if (from !== site) cpSync(site, from, { recursive: true });
  const config = join(from, 'prolo.yml');
  const args = ['install', role, '--root', root, '--host', hostname, '--config', config];
  return {
    ...{ root, role, hostname },
    install: (...flags) => prolo([...args, ...flags], { timeoutMs: 600_000 }),
    async installKilled(moment) {
      const child = spawn(process.execPath, [proloBin, ...args, '--yes'], { stdio: 'ignore' });
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      await moment(gone);
      child.kill('SIGKILL');
      await gone;
      return child.signalCode === 'SIGKILL';
    },
  };
}
