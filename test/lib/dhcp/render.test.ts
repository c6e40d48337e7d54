import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { renderIsc } from '../../../src/lib/dhcp/isc.ts';
import { renderKea } from '../../../src/lib/dhcp/kea.ts';
import { planDhcp } from '../../../src/lib/dhcp/plan.ts';
import { needs } from '../../support/needs.ts';
import { configOf, golden, goldenConfig, goldenMachines, machine } from './fixtures.ts';

const plan = planDhcp(goldenConfig(), goldenMachines());
const host = {
  listen: { interfaces: ['lan0/192.168.1.254'] },
  socket: '/run/kea/prolo.sock',
  leases: '/var/lib/kea/leases.csv',
  leaseCommands: '/usr/lib/kea/hooks/libdhcp_lease_cmds.so',
};

interface KeaText {
  Dhcp4: {
    'hooks-libraries'?: unknown;
    'shared-networks': { interface?: string; subnet4: { id: number; subnet: string }[] }[];
  };
}
const kea = (config = goldenConfig(), machines = goldenMachines(), on = host) =>
  JSON.parse(renderKea(config, planDhcp(config, machines), on).text) as KeaText;

describe('renderKea', () => {
  it('writes the golden site', () => {
    expect(renderKea(goldenConfig(), plan, host).text).to.equal(golden('kea-dhcp4.conf'));
  });

  it('names a subnet by its network, so that leases keep theirs when networks change places', () => {
    const { networks } = configOf('');
    const turned = { ...configOf(''), networks: [...networks].reverse() };
    const ids = (config: typeof turned) =>
      Object.fromEntries(
        kea(config, []).Dhcp4['shared-networks'][0]!.subnet4.map(({ id, subnet }) => [subnet, id]),
      );
    expect(ids(turned)).to.deep.equal(ids(configOf('')));
  });

  it('has another digest for another text, and the same for the same', () => {
    const digest = (ip: string) =>
      renderKea(configOf(''), planDhcp(configOf(''), [machine('a', '52:54:00:00:00:01', ip)]), host).digest;
    expect(digest('192.168.0.1')).to.equal(digest('192.168.0.1')).and.not.equal(digest('192.168.0.2'));
  });

  it('loads no lease commands where there are none', () => {
    expect(kea(configOf(''), [], { ...host, leaseCommands: undefined as never }).Dhcp4).to.not.have.property(
      'hooks-libraries',
    );
  });

  it('writes a machine a line, which line numbers of a checker point at', () => {
    const lines = renderKea(goldenConfig(), plan, host).text.split('\n');
    for (const { mac } of plan.hosts) expect(lines.filter((line) => line.includes(mac))).to.have.length(1);
  });
});

describe('renderIsc', () => {
  const files = renderIsc(goldenConfig(), plan, '/etc/prolo/dhcpd-hosts.conf');

  it('writes the golden site', () => {
    expect(files.config).to.equal(golden('dhcpd.conf'));
    expect(files.hosts).to.equal(golden('dhcpd-hosts.conf'));
  });

  it('writes what dhcpd accepts, also names that are its own words, and no config value that ends a string', function () {
    needs(this, { dhcpd: 'isc-dhcp-server' });
    const dir = mkdtempSync(join(tmpdir(), 'prolo-dhcpd-'));
    try {
      const config = { ...goldenConfig(), dhcp: { ...goldenConfig().dhcp, biosFile: 'a"; } \\ é\n{' } };
      const names = ['123', '0x10', 'host', 'group', '1a--b', 'pas-r01p01'];
      const machines = names.map((name, i) => machine(name, `52:54:00:00:00:0${i}`, `192.168.0.${i + 1}`));
      const { config: conf, hosts } = renderIsc(config, planDhcp(config, machines), join(dir, 'hosts'));
      writeFileSync(join(dir, 'conf'), conf);
      writeFileSync(join(dir, 'hosts'), hosts);
      execFileSync('dhcpd', ['-4', '-t', '-cf', join(dir, 'conf')], { stdio: 'pipe' });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
