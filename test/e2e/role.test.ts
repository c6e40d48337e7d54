import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { bootRoot, type Booted, makeWire, type Wire } from '../support/booted.ts';
import { needs } from '../support/needs.ts';
import {
  failedUnits,
  missingUnits,
  mustWriteServers,
  onWire,
  refusals,
  SSHD_TEST,
  VERIFY_UNITS,
} from '../support/role-checks.ts';
import {
  makeBareRoot,
  makeRoleSite,
  ROLE_PROGRAMS,
  roleDraft,
  type RoleRoot,
  unpackRoot,
} from '../support/role-root.ts';

const DATABASE = 'postgres://prolo@/prolo?host=/run/postgresql';
const ALIASES = ['mdb', 'udb', 'mdbsync', 'udbsync', 'netboot', 'sso', 'ns', 'ntp'];
const CHECKS = [
  'nginx -t',
  'named-checkconf -z /etc/prolo/state/dns/named.conf',
  'kea-dhcp4 -t /etc/prolo/state/dhcp/kea-dhcp4.conf',
  'nft list ruleset >/tmp/rules && test -s /tmp/rules && nft -c -f /tmp/rules',
  'chronyd -p -f /etc/chrony/chrony.conf',
  SSHD_TEST,
  VERIFY_UNITS,
];

describe('a bare Debian becomes a gateway', function () {
  this.timeout(600_000);
  let dir: string;
  let host: RoleRoot;
  let wire: Wire | undefined;
  let gw: Booted | undefined;
  afterEach(async () => {
    await gw?.powerOff().catch(() => undefined);
    gw = undefined;
  });
  const at = (path: string): string => join(host.root, path);

  before(async function () {
    needs(this, { ...ROLE_PROGRAMS, dig: 'bind9-dnsutils', curl: 'curl', python3: 'python3' });
    if (process.getuid?.() !== 0) this.skip();
    dir = mkdtempSync(join(tmpdir(), 'prolo-role-'));
    const site = await makeRoleSite(dir, roleDraft(DATABASE));
    host = unpackRoot(makeBareRoot(dir), dir, 'gw', 'gw', site);
    wire = makeWire();
  });
  after(async () => {
    wire?.remove();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  it('not while another package manager is at work there, and it says so', async () => {
    const lock = at('var/lib/dpkg/lock-frontend');
    const hold =
      'import fcntl,sys;f=open(sys.argv[1],"w");fcntl.lockf(f,fcntl.LOCK_EX);print(1,flush=True);sys.stdin.read()';
    const holder = spawn('python3', ['-c', hold, lock], { stdio: ['pipe', 'pipe', 'inherit'] });
    const gone = once(holder, 'exit');
    try {
      await once(holder.stdout, 'data');
      const { status, stderr } = await host.install('--yes');
      expect(stderr).to.match(/^prolo: packages: dpkg: .*lock/m);
      expect(stderr).to.include('another package manager is at work there');
      expect(status).to.equal(8);
    } finally {
      holder.stdin.end();
      await gone;
    }
  });

  it('killed while dpkg unpacks, and at two random moments, it is completed by the next run', async () => {
    const isUnpacking = (): boolean => readdirSync(at('var/lib/dpkg/updates')).length > 0;
    const unpacked = await host.installKilled(async (gone) => {
      let isGone = false;
      void gone.then(() => (isGone = true));
      while (!isGone && !isUnpacking()) await sleep(5);
    });
    expect([unpacked, isUnpacking()]).to.deep.equal([true, true]);
    for (let i = 0; i < 2; i++) {
      const ms = 500 + Math.floor(Math.random() * 12_000);
      await host.installKilled((gone) => Promise.race([sleep(ms), gone]));
    }
    const { status, stderr } = await host.install('--yes');
    expect([status, stderr.includes('by hand')], stderr).to.deep.equal([0, false]);
  });

  it('a second run changes nothing, and a plan says so', async () => {
    for (const flag of ['--plan', '--yes']) {
      const { status, stdout, stderr } = await host.install(flag);
      expect([status, stdout], stderr).to.deep.equal([0, 'nothing to do\n']);
    }
  });

  for (const start of ['first', 'second'] as const)
    it(`at its ${start} start everything runs, has a configuration that its program accepts, and serves the wire`, async () => {
      gw = await bootRoot(host.root, wire!, 'gw');
      const enabled = await gw.ask(
        'systemctl',
        'list-unit-files',
        '--state=enabled',
        '--no-legend',
        'prolo-*',
      );
      const daemons = enabled.split('\n').flatMap((line) => line.split(/\s+/)[0] || []);
      expect(daemons).to.include.members(['prolo-mdb.service', 'prolo-firewall.service']);
      const servers = ['named', 'kea-dhcp4-server', 'nginx', 'postgresql@15-main', 'tftpd-hpa', 'lldpd'];
      const units = [...daemons, ...servers.map((name) => `${name}.service`)];
      await mustWriteServers(gw);
      expect(await missingUnits(gw, units)).to.deep.equal([]);
      expect(await failedUnits(gw)).to.deep.equal([]);
      expect(await refusals(gw, CHECKS)).to.deep.equal([]);

      const machines = JSON.parse(await gw.ask('prolo', 'mdb', 'list', '--json')) as {
        hostname: string;
        ip: string;
        mac: string;
        aliases: string;
      }[];
      const mac = (await gw.ask('cat', '/sys/class/net/host0/address')).trim();
      expect(machines.map((one) => [one.hostname, one.ip])).to.deep.equal([['gw', '192.168.1.254']]);
      if (start === 'first') expect(machines[0]!.mac).to.equal(mac);
      expect(String(machines[0]!.aliases).split(',')).to.include.members(ALIASES);

      if (start === 'first') onWire(wire!, ['ip', 'addr', 'add', '192.168.0.77/23', 'dev', 'br0']);
      const dig = ['dig', '@192.168.1.254', '+short', '+tries=10', '+time=1'];
      let answer = '';
      for (let tries = 0; answer === '' && tries < 100; tries++) {
        answer = onWire(wire!, [...dig, 'mdb.prolo']);
        if (answer === '') await sleep(200);
      }
      expect(answer).to.equal('192.168.1.254\n');
      expect(await gw.ask('getent', 'ahostsv4', 'ns')).to.match(/^192\.168\.1\.254 /);
      const curl = ['curl', '--silent', '--show-error', '--fail', '--max-time', '10'];
      expect(onWire(wire!, [...curl, '-H', 'Host: mdb.prolo', 'http://192.168.1.254/__ping'])).to.include(
        'pong',
      );
      const fetched = onWire(wire!, [...curl, 'tftp://192.168.1.254/undionly.kpxe'], 'latin1');
      expect(fetched === readFileSync(at('usr/lib/ipxe/undionly.kpxe'), 'latin1')).to.equal(true);
      await gw.powerOff();
      gw = undefined;
    });

  it('what ran has changed nothing that the recipes speak of', async () => {
    const { stdout, stderr } = await host.install('--plan');
    expect(stdout, stderr).to.equal('nothing to do\n');
    expect(existsSync(at('etc/prolo/state/dns/named.conf'))).to.equal(true);
  });
});
