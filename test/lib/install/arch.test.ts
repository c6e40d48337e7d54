import { expect } from 'chai';
import { recipesFor } from '../../../src/lib/install/catalogue.ts';
import { packageCalls } from '../../../src/lib/install/packages.ts';
import { orderRecipes, planInstall, type Step } from '../../../src/lib/install/plan.ts';
import { MACHINE_ROLES, SERVER_ROLES } from '../../../src/lib/install/roles.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';

/** A host that has nothing yet. */
const EMPTY = {
  ...{ packages: new Set<string>(), users: new Set<string>(), enabled: new Set<string>() },
  ...{ folders: new Map(), files: new Map(), trees: new Map(), written: new Map() },
};
/** By pacman's names. */
const PACKAGES: Record<string, string> = {
  gw: 'bind chrony conntrack-tools gcc-libs ipxe kea lldpd nftables nginx openssh postgresql prometheus-node-exporter tftp-hpa',
  rhfs: 'e2fsprogs gcc-libs lldpd nfs-utils nftables nginx openssh prometheus-node-exporter qemu-img socat',
  web: 'gcc-libs lldpd nginx openssh prometheus-node-exporter',
  monitoring: 'gcc-libs lldpd prometheus prometheus-node-exporter',
};
/** Of packages: those that each role starts, by the names that they have there. */
const UNITS: Record<string, string> = {
  gw: 'chronyd kea-dhcp4 lldpd named nginx postgresql prometheus-node-exporter systemd-journal-upload systemd-networkd tftpd',
  rhfs: 'lldpd nfs-server nginx prometheus-node-exporter systemd-journal-upload systemd-networkd',
  web: 'lldpd nginx prometheus-node-exporter systemd-journal-upload systemd-networkd',
  monitoring: 'lldpd prometheus prometheus-node-exporter systemd-journal-upload systemd-networkd',
};
/** Where only Debian has something, and its names of users. */
const DEBIAN_ONLY =
  /\/etc\/(default|chrony|apt|dpkg|network)\/|x86_64-linux-gnu\/(?!kea)|\b_kea\b|-u bind\b|isc-dhcp-server|tftpd-hpa|\/usr\/lib\/ipxe\b/;

describe('roles on Arch', () => {
  let test: TestSite;
  before(async () => void (test = await makeTestSite()));
  after(() => test.remove());

  const plan = (role: string, draft: object = {}): Step[] => {
    const config = {
      ...test.site.config,
      database: 'postgres://prolo@/prolo?host=/run/postgresql',
      ...draft,
    };
    const host = { site: { ...test.site, config }, distribution: 'arch' as const, hostname: role, role };
    return planInstall(orderRecipes(SERVER_ROLES[role]!.recipes(config), recipesFor(host)), EMPTY);
  };
  const unitsOf = (steps: Step[]): string[] =>
    steps.flatMap((step) => (step.kind === 'enable' ? step.units : []));

  it('each is there', () => expect(Object.keys(PACKAGES)).to.deep.equal(MACHINE_ROLES));

  for (const role of Object.keys(PACKAGES)) {
    it(`${role}: asks pacman for packages by their names there`, () => {
      const packages = plan(role).flatMap((step) => (step.kind === 'packages' ? step.install : []));
      expect(packages.sort().join(' ')).to.equal(PACKAGES[role]);
    });
    it(`${role}: starts units by their names there`, () => {
      const units = unitsOf(plan(role))
        .filter((unit) => !unit.startsWith('prolo') && unit.endsWith('.service'))
        .map((unit) => unit.replace('.service', ''));
      expect(units.sort().join(' ')).to.equal(UNITS[role]);
    });
    it(`${role}: every file is rendered, and none speaks of what only Debian has`, () => {
      const files = plan(role).flatMap((step) => (step.kind === 'file' ? [step.wish] : []));
      expect(files.length).to.be.above(10);
      for (const { path, text } of files)
        if (!path.startsWith('/etc/prolo/')) expect(`${path}\n${text}`).not.to.match(DEBIAN_ONLY);
    });
  }

  it('has the unmaintained dhcpd as dhcpd4', () =>
    expect(unitsOf(plan('gw', { dhcp: { ...test.site.config.dhcp, server: 'isc' } }))).to.include(
      'dhcpd4.service',
    ));

  it('gets its lists anew, and then only what is missing', () =>
    expect(packageCalls('arch', ['nginx'])).to.deep.equal({
      refresh: ['pacman', '-Sy', '--noconfirm'],
      mend: undefined,
      install: ['pacman', '-S', '--noconfirm', '--needed', 'nginx'],
    }));
});
