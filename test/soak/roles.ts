import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootRoot, type Booted, makeWire, type Wire } from '../support/booted.ts';
import {
  failedUnits,
  missingUnits,
  mustWriteServers,
  refusals,
  SSHD_TEST,
  verifyUnits,
} from '../support/role-checks.ts';
import { makeBareRoot, makeRoleSite, roleDraft, type RoleRoot, unpackRoot } from '../support/role-root.ts';
import type { Soak } from './soak.ts';

/** How often each is killed before it may end; PROLO_SOAK_KILLS says another number. */
const KILLS = Number(process.env.PROLO_SOAK_KILLS ?? 12);
const LONGEST_MS = 25_000;

interface Trial {
  role: string;
  hostname: string;
  /** What has to run once it has started. */
  units: string[];
  /** What its programs must accept. */
  checks: string[];
  /** Default: `service`. */
  mtype?: string;
  /** Where those of prolo are; default: where a server has them. */
  unitsIn?: string;
  /** Of systemd-nspawn. */
  options?(dir: string): string[];
}

const daemons = (...names: string[]): string[] => names.map((name) => `prolo-${name}.service`);
const EXPORTERS = [
  'prometheus-node-exporter.service',
  'prometheus-process-exporter.service',
  'lldpd.service',
];

/** The gateway first: the others have their addresses and names from it. */
const TRIALS: readonly Trial[] = [
  {
    ...{ role: 'gw', hostname: 'gw' },
    units: [
      ...daemons('mdb', 'udb', 'mdbsync', 'udbsync', 'presencesync', 'rfssync', 'contestsync', 'hfsdb'),
      ...daemons('netboot', 'sso', 'usermap', 'mdbdns', 'mdbdhcp', 'firewall', 'contest', 'registration'),
      ...['named.service', 'kea-dhcp4-server.service', 'nginx.service', 'tftpd-hpa.service', ...EXPORTERS],
    ],
    checks: [
      'nginx -t',
      'named-checkconf -z /etc/prolo/state/dns/named.conf',
      'kea-dhcp4 -t /etc/prolo/state/dhcp/kea-dhcp4.conf',
      'nft list ruleset >/tmp/rules && test -s /tmp/rules && nft -c -f /tmp/rules',
    ],
  },
  {
    ...{ role: 'rhfs', hostname: 'rhfs01' },
    units: [...daemons('passwd', 'rootssh'), 'nginx.service', ...EXPORTERS],
    checks: ['nginx -t'],
  },
  {
    ...{ role: 'web', hostname: 'web' },
    units: [...daemons('sso', 'passwd', 'rootssh'), 'nginx.service', ...EXPORTERS],
    checks: ['nginx -t'],
  },
  {
    ...{ role: 'monitoring', hostname: 'monitoring' },
    units: ['prometheus.service', 'systemd-journal-remote.socket', ...EXPORTERS],
    checks: ['promtool check config /etc/prometheus/prometheus.yml'],
  },
  // The root of PCs. A container has the kernel of its host, and so no block devices for homes: nobody can log in there.
  // test/e2e/rfs-debian boots one with a kernel of its own, and logs in.
  {
    ...{ role: 'rfs', hostname: 'pc', mtype: 'user', unitsIn: '/usr/lib/systemd/system' },
    options: asFromInitramfs,
    units: [...daemons('presenced', 'passwd', 'rootssh'), 'ssh.service', 'systemd-networkd.service'],
    checks: [
      'getent ahostsv4 mdb',
      'curl --silent --fail --unix-socket /run/prolo/presenced.sock http://presenced/state',
    ],
  },
];

/** PROLO_SOAK_ROLES: only those, such as `gw,web`. */
const only = process.env.PROLO_SOAK_ROLES?.split(',');

const soak: Soak = async (report) => {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-roles-'));
  const wire = makeWire();
  let gw: Booted | undefined;
  const lines: string[] = [];
  try {
    const bare = makeBareRoot(dir);
    const site = await makeRoleSite(dir, roleDraft('sqlite:prolo.db'));
    report('a bare Debian is there');
    for (const trial of TRIALS) {
      if (only && trial.role !== 'gw' && !only.includes(trial.role)) continue;
      const host = unpackRoot(bare, dir, trial.role, trial.hostname, site);
      const kills = await killOften(host);
      await completes(host);
      const booted = await tryStart(host, trial, wire, gw, trial.options?.(dir));
      if (trial.role === 'gw') gw = booted;
      else await booted.powerOff();
      await mustBeIdle(host);
      lines.push(
        `${trial.role}: ${kills} of ${KILLS} runs killed, completed by the next, idle after that; it started, and all of it ran.`,
      );
      report(lines.at(-1)!);
      if (trial.role !== 'gw') rmSync(host.root, { recursive: true, force: true });
    }
    return lines;
  } finally {
    await gw?.powerOff().catch(() => undefined);
    wire.remove();
    rmSync(dir, { recursive: true, force: true });
  }
};
export default soak;

async function killOften(host: RoleRoot): Promise<number> {
  let killed = 0;
  for (let i = 0; i < KILLS; i++) {
    const ms = randomInt(200, LONGEST_MS);
    const late = new AbortController();
    if (
      await host.installKilled((gone) =>
        Promise.race([sleep(ms, undefined, { signal: late.signal }).catch(() => undefined), gone]),
      )
    )
      killed++;
    late.abort();
  }
  return killed;
}

async function completes(host: RoleRoot): Promise<void> {
  const { status, stderr } = await host.install('--yes');
  if (status !== 0) throw new Error(`${host.role}: status ${status}: ${stderr}`);
  await mustBeIdle(host);
}

async function mustBeIdle(host: RoleRoot): Promise<void> {
  const { stdout, stderr } = await host.install('--plan');
  if (stdout !== 'nothing to do\n')
    throw new Error(`${host.role}: a second run would do: ${stdout}${stderr}`);
}

/**
 * What a PC's initramfs does before its system starts. The name server that DHCP told is in a file that /etc/resolv.conf leads to:
 * without it presenced finds nobody to ask. What is written is in memory, over an image.
 */
function asFromInitramfs(dir: string): string[] {
  const file = join(dir, 'resolv.conf');
  writeFileSync(file, 'search prolo\nnameserver 192.168.1.254\n');
  return ['--volatile=overlay', `--bind-ro=${file}:/run/prolo/resolv.conf`];
}

async function tryStart(
  host: RoleRoot,
  trial: Trial,
  wire: Wire,
  gw: Booted | undefined,
  options: readonly string[] = [],
): Promise<Booted> {
  const booted = await bootRoot(host.root, wire, trial.role, options);
  try {
    if (gw) await introduce(booted, trial, gw);
    if (trial.role === 'gw') await mustWriteServers(booted);
    const wrong = [
      ...(await missingUnits(booted, trial.units)),
      ...(await failedUnits(booted)).map((unit) => `${unit}: failed`),
      ...(await refusals(booted, [
        SSHD_TEST,
        verifyUnits(trial.unitsIn ?? '/etc/systemd/system'),
        ...trial.checks,
      ])),
    ];
    if (wrong.length > 0) throw new Error(`${trial.role}: ${wrong.join('; ')}`);
    return booted;
  } catch (error) {
    await booted.powerOff().catch(() => undefined);
    throw error;
  }
}

/** On the gateway, the command that `prolo install` has shown; then the server has the address that MDB gave it. */
async function introduce(booted: Booted, { hostname, mtype = 'service' }: Trial, gw: Booted): Promise<void> {
  const mac = (await booted.ask('cat', '/sys/class/net/host0/address')).trim();
  const words = ['--hostname', hostname, '--mac', mac, '--mtype', mtype];
  await gw.ask('prolo', 'mdb', 'add', '--update', ...words);
  const hasAddress = (said: string): boolean => / 192\.168\.[01]\./.test(said);
  const renew = 'networkctl reconfigure host0 >/dev/null 2>&1; sleep 1; ip -brief -4 address show host0';
  await booted.until(hasAddress, 'sh', '-c', renew);
  await booted.until((said) => said.includes('192.168.1.254'), 'getent', 'ahostsv4', 'mdb.prolo');
}
