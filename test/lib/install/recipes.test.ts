import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import type { Recipe, RecipeMaker } from '../../../src/lib/install/recipe.ts';
import { base, localeDefinition } from '../../../src/lib/install/recipes/base.ts';
import { conntrack } from '../../../src/lib/install/recipes/conntrack.ts';
import { dhcp } from '../../../src/lib/install/recipes/dhcp.ts';
import { journalRemote, journalUpload } from '../../../src/lib/install/recipes/journal.ts';
import { lldp } from '../../../src/lib/install/recipes/lldp.ts';
import { named } from '../../../src/lib/install/recipes/named.ts';
import { networkd, networkdDhcp } from '../../../src/lib/install/recipes/networkd.ts';
import { nfsExports } from '../../../src/lib/install/recipes/nfs-exports.ts';
import { nicConfiguration } from '../../../src/lib/install/recipes/nic.ts';
import { postgresql } from '../../../src/lib/install/recipes/postgresql.ts';
import { nodeExporter, processExporter, prometheus } from '../../../src/lib/install/recipes/prometheus.ts';
import { tftp } from '../../../src/lib/install/recipes/tftp.ts';
import { needs } from '../../support/needs.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';

const RULES = join(import.meta.dirname, 'prometheus-rules.yml');
/** Below a folder: what a recipe's files are, in place of those of this machine. */
const IN_PLACE = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';

describe('what recipes write', function () {
  this.timeout(120_000);
  let dir: string;
  let test: TestSite;
  const at = (path: string): string => join(dir, path);

  /** Its files, below `dir`. */
  const lay = (make: RecipeMaker, site = test.site): Recipe => {
    const recipe = make({ site, distribution: 'debian', hostname: 'gw' });
    for (const { path, text } of recipe.files ?? []) {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), text);
    }
    return recipe;
  };
  const read = (path: string): string => readFileSync(at(path), 'utf8');
  /** Runs a program that finds a folder of the recipe where it looks for it. */
  const inPlace = (folder: string, argv: readonly string[], env: Record<string, string> = {}) => {
    mkdirSync(folder, { recursive: true });
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', 'sh', '-c', IN_PLACE, 'sh', at(folder), folder, ...argv],
      { encoding: 'utf8', timeout: 60_000, env: { ...process.env, ...env } },
    );
    return { status, said: stdout + stderr };
  };

  before(async () => void (test = await makeTestSite()));
  after(() => test.remove());
  beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'prolo-recipes-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('is units that systemd takes without a word', function () {
    needs(this, {
      'systemd-analyze': 'systemd',
      named: 'bind9',
      'kea-dhcp4': 'kea-dhcp4-server',
      dhcpd: 'isc-dhcp-server',
      'in.tftpd': 'tftpd-hpa',
      conntrack: 'conntrack',
      lldpd: 'lldpd',
      'prometheus-node-exporter': 'prometheus-node-exporter',
      'prometheus-process-exporter': 'prometheus-process-exporter',
      '/lib/systemd/systemd-journal-remote': 'systemd-journal-remote',
      exportfs: 'nfs-kernel-server',
    });
    const isc = {
      ...test.site,
      config: { ...test.site.config, dhcp: { ...test.site.config.dhcp, server: 'isc' as const } },
    };
    const all = [
      named,
      dhcp,
      tftp,
      conntrack,
      lldp,
      nfsExports,
      postgresql,
      networkd,
      networkdDhcp,
      prometheus,
      nodeExporter,
      processExporter,
      journalUpload,
      journalRemote,
    ];
    const units = [...all.flatMap((make) => lay(make).units ?? []), ...(lay(dhcp, isc).units ?? [])];
    const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', ...new Set(units)], {
      encoding: 'utf8',
      env: { ...process.env, SYSTEMD_UNIT_PATH: `${at('/etc/systemd/system')}:/lib/systemd/system` },
    });
    const ours = stderr.split('\n').filter((line) => line.includes(dir) || /prolo|isc-dhcp|tftpd/.test(line));
    expect([ours, status]).to.deep.equal([[], 0]);
    expect(units).to.include.members(['prolo-conntrack.service', 'isc-dhcp-server.service']);
  });

  it('turns flow control off for every card', function () {
    needs(this, { udevadm: 'udev' });
    lay(nicConfiguration);
    const { said } = inPlace('/etc/systemd/network', [
      'udevadm',
      'test-builtin',
      'net_setup_link',
      '/sys/class/net/lo',
    ]);
    expect(said).to.include('/etc/systemd/network/90-prolo-nic.link');
    expect(said).not.to.match(/prolo-nic.link:\d+/);
  });

  it('is exports that exportfs takes', function () {
    needs(this, { exportfs: 'nfs-kernel-server' });
    lay(nfsExports);
    mkdirSync('/etc/exports.d', { recursive: true });
    // What this machine exports itself is out of its sight.
    const tell = 'mount -t tmpfs none /var/lib/nfs && exportfs -ra; cat /var/lib/nfs/etab';
    const { said } = inPlace('/etc/exports.d', ['unshare', '--net', 'sh', '-c', tell]);
    expect(said).not.to.match(/prolo\.exports/);
  });

  it('is a configuration and alarms that promtool takes, and the alarms go off', function () {
    needs(this, { promtool: 'prometheus' });
    lay(prometheus);
    expect(inPlace('/etc/prometheus', ['promtool', 'check', 'config', '/etc/prometheus/prometheus.yml']).said)
      .to.match(/SUCCESS: \d+ rules found/)
      .and.not.include('FAILED');
    expect(read('/etc/prometheus/prometheus.yml')).to.include('/targets/node');
    const tested = inPlace('/etc/prometheus', ['promtool', 'test', 'rules', RULES]);
    expect([tested.status, tested.said]).to.deep.equal([0, `Unit Testing:  ${RULES}\n  SUCCESS\n\n`]);
  });

  it('is the site’s time zone and locale, whatever was set by hand', function () {
    needs(this, { 'systemd-tmpfiles': 'systemd' });
    const config = { ...test.site.config, timezone: 'Europe/Paris', locale: 'en_US.UTF-8' };
    const { packages, afterwards } = lay(base, { ...test.site, config });
    expect([packages, afterwards?.[0]]).to.deep.equal([['tzdata', 'locales'], ['locale-gen']]);
    expect(read('/etc/default/locale')).to.equal('LANG=en_US.UTF-8\n');
    expect(read('/etc/locale.gen')).to.equal('en_US.UTF-8 UTF-8\n');
    expect(localeDefinition('fr_FR.utf8')).to.equal('fr_FR.UTF-8 UTF-8');
    expect(localeDefinition('fr_FR')).to.equal('fr_FR ISO-8859-1');
    symlinkSync('../usr/share/zoneinfo/Etc/UTC', at('/etc/localtime'));
    execFileSync('systemd-tmpfiles', ['--create', `--root=${dir}`, 'prolo-timezone.conf']);
    expect(readlinkSync(at('/etc/localtime'))).to.equal('../usr/share/zoneinfo/Europe/Paris');
  });

  it('leaves the time zone alone where the site names none', () => {
    const { packages, afterwards } = lay(base);
    expect([packages, afterwards, read('/etc/default/locale')]).to.deep.equal([[], [], 'LANG=C.UTF-8\n']);
  });

  it('is iPXE for BIOS and UEFI where DHCP says, and a file that is there already stays', function () {
    needs(this, { 'systemd-tmpfiles': 'systemd', '/usr/lib/ipxe/undionly.kpxe': 'ipxe' });
    lay(tftp);
    mkdirSync(at('/srv/tftp'), { recursive: true });
    mkdirSync(at('/usr/lib/ipxe'), { recursive: true });
    for (const file of ['undionly.kpxe', 'ipxe.efi'])
      writeFileSync(at(`/usr/lib/ipxe/${file}`), `${file} of Debian`);
    writeFileSync(at('/srv/tftp/ipxe.efi'), 'mine');
    execFileSync('systemd-tmpfiles', ['--create', `--root=${dir}`, 'prolo-tftp.conf']);
    const names = ['undionly.kpxe', 'ipxe.efi'];
    expect(names.map((name) => read(`/srv/tftp/${name}`))).to.deep.equal(['undionly.kpxe of Debian', 'mine']);
    expect(readdirSync('/usr/lib/ipxe')).to.include.members(names);
  });
});
