import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Running } from '../../src/lib/lab/process.ts';
import { LAB_GATEWAY } from '../../src/lib/lab/site.ts';
import { plugSwitch, SWITCH_PROGRAMS } from '../../src/lib/lab/switch.ts';
import type { MachineRecord, SwitchRecord } from '../../src/lib/mdb/record.ts';
import { makeToken } from '../../src/lib/rpc/token.ts';
import { databaseUrl, serviceUrl } from '../../src/lib/site/site.ts';
import { openStore, type Store } from '../../src/lib/store/store.ts';
import { type HealthyLab, startHealthyLab } from '../support/healthy-lab.ts';
import { eventually, needsLab, STEP_MS } from '../support/lab.ts';
import { needs } from '../support/needs.ts';
import { nfsPackages } from '../support/nfs.ts';
import { makeKeys, plugSshSeat, seatPackages, type SshSeat } from '../support/ssh-seats.ts';

const NAMES = ['pas-r01p01', 'pas-r01p02', 'pas-r01p03'];
const ALL = 'pas-r01p[01-03]';
const [ONE = '', TWO = '', THREE = ''] = NAMES;

describe('prolo doctor --from: the site as its machines see it', function () {
  this.timeout(4 * STEP_MS);
  let dir: string;
  let healthy: HealthyLab;
  let clock: Running;
  let nfs: Running;
  let store: Store;
  let machines: MachineRecord[];
  const seats = new Map<string, SshSeat>();

  const from = (selection: string, ...only: string[]) =>
    healthy.doctorWith('--from', selection, ...only.flatMap((name) => ['--only', name]));
  /** All that is red: `check: what`; with status 1 then, and else 0. */
  async function red(selection: string, ...only: string[]): Promise<string[]> {
    const { status, checks } = await from(selection, ...only);
    const findings = checks.flatMap(({ name, findings: all }) => all.map((one) => ({ name, ...one })));
    const found = findings.filter(({ colour }) => colour === 'red');
    expect(status).to.equal(found.length > 0 ? 1 : 0);
    for (const { fix } of found) expect(fix).to.be.a('string').that.does.not.contain('{');
    return found.map(({ name, what }) => `${name}: ${what}`);
  }
  async function yellow(selection: string, name: string): Promise<string[]> {
    const { checks } = await from(selection, name);
    return checks.flatMap(({ findings }) =>
      findings.flatMap(({ colour, what }) => (colour === 'yellow' ? [what] : [])),
    );
  }
  const inside = async (name: string, ...argv: string[]): Promise<void> => {
    const { exitCode, stderr } = await seats.get(name)!.inside(...argv);
    expect(exitCode, `${argv.join(' ')}: ${stderr}`).to.equal(0);
  };

  before(async function () {
    needsLab(this);
    needs(this, { ...nfsPackages, ...seatPackages, ...SWITCH_PROGRAMS, dnsmasq: 'dnsmasq-base' });
    dir = mkdtempSync(join(tmpdir(), 'prolo-from-'));
    const identity = makeKeys(dir);
    healthy = await startHealthyLab({ ssh: { identity, connectSeconds: 5 } as never });
    nfs = await healthy.startNfs();
    clock = await healthy.startClock(0);
    const { lab } = healthy;
    store = await openStore(databaseUrl(lab.site));
    machines = JSON.parse(await lab.prolo('mdb', 'list', '--json', ...NAMES)) as MachineRecord[];
    const names = { nameserver: LAB_GATEWAY, domain: lab.site.config.domain };
    for (const machine of machines) seats.set(machine.hostname, await plugSshSeat(lab, dir, machine, names));
  });
  after(async () => {
    await store?.close();
    await healthy?.lab.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  it('finds nothing red at healthy machines, which are one line where they agree', async () => {
    // Disks are the test machine's own: another test has them.
    const others = 'network duplicates dhcp dns tftp boot nfs homes ntp rfs nic lldp units'.split(' ');
    const { status, checks } = await from(ALL, ...others);
    const findings = checks.flatMap((one) => one.findings);
    expect(findings.filter(({ colour }) => colour === 'red')).to.deep.equal([]);
    expect(status).to.equal(0);
    const green = checks.filter(({ colour }) => colour === 'green').map(({ name }) => name);
    expect(green).to.deep.equal('ssh network duplicates dhcp dns tftp boot nfs homes ntp rfs nic'.split(' '));
    for (const one of checks) {
      expect(one.findings, one.name).to.have.lengthOf(1);
      expect(one.findings[0]!.what).to.match(/^3 machines: pas-r01p\[01-03\]: /);
      expect(one.findings[0]!.machines).to.deep.equal(NAMES);
    }
  });

  it('a machine that is off is one line, and the others are looked at', async () => {
    const { seat, sshd } = seats.get(TWO)!;
    await sshd.stop();
    await seat.run(['ip', 'link', 'set', 'eth0', 'down']);
    const { status, checks, ms } = await from(ALL, 'network');
    expect(status).to.equal(1);
    expect(checks[0]!.findings.map(({ what }) => what)).to.deep.equal([
      `${TWO}: it does not answer`,
      'pas-r01p[01,03]: answered'.replace(/^/, '2 machines: '),
    ]);
    expect(checks[1]!.findings[0]!.machines).to.deep.equal([ONE, THREE]);
    expect(ms).to.be.below(STEP_MS);
    await seat.run(['ip', 'link', 'set', 'eth0', 'up']);
    await seat.run(['ip', 'route', 'add', 'default', 'via', LAB_GATEWAY]);
    seats.set(TWO, await seats.get(TWO)!.again());
    expect(await red(ALL, 'network')).to.deep.equal([]);
  });

  it('no default route, and one that leads elsewhere', async () => {
    await inside(ONE, 'ip', 'route', 'del', 'default');
    await inside(TWO, 'ip', 'route', 'replace', 'default', 'via', '192.168.1.9');
    const said = await red(ALL, 'network');
    for (const name of [ONE, TWO])
      await inside(name, 'ip', 'route', 'replace', 'default', 'via', LAB_GATEWAY);
    expect(said).to.have.members([
      `network: ${ONE}: no default route`,
      `network: ${TWO}: its default route leads to 192.168.1.9, not to ${LAB_GATEWAY}`,
    ]);
    expect(await red(ALL, 'network')).to.deep.equal([]);
  });

  it('a machine whose address somebody else has too', async () => {
    const { lab } = healthy;
    const twin = await lab.plugSeat('52:54:00:66:66:68');
    const { ip } = machines.find(({ hostname }) => hostname === THREE)!;
    await twin.run(['ip', 'address', 'add', `${ip}/23`, 'dev', 'eth0']);
    // Who looks must reach the machine that is meant.
    await lab.run(['ip', 'neigh', 'replace', ip, 'lladdr', macOf(THREE), 'dev', 'br0']);
    const said = await red(ALL, 'duplicates');
    await twin.run(['ip', 'address', 'del', `${ip}/23`, 'dev', 'eth0']);
    await lab.run(['ip', 'neigh', 'flush', 'all']);
    expect(said).to.deep.equal([`duplicates: ${THREE}: 52:54:00:66:66:68 answers for its address ${ip} too`]);
    expect(await red(ALL, 'duplicates')).to.deep.equal([]);
  });
  const macOf = (name: string): string => machines.find(({ hostname }) => hostname === name)!.mac;

  it('a foreign DHCP server on their wire', async () => {
    const { lab } = healthy;
    const laptop = await lab.plugSeat('52:54:00:66:66:66');
    await laptop.run(['ip', 'address', 'add', '192.168.0.200/23', 'dev', 'eth0']);
    const foreign = await laptop.start('foreign', [
      ...['dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--bind-interfaces'],
      ...['--dhcp-range=192.168.0.210,192.168.0.220', '--dhcp-authoritative', '--leasefile-ro', '--no-ping'],
      ...['--user=root', '--pid-file=', '--log-facility=-'],
    ]);
    const said = await eventually(
      () => red(ALL, 'dhcp'),
      (found) => found.length > 0,
      STEP_MS,
    ).finally(() => foreign.stop());
    expect(said).to.deep.equal([`dhcp: 3 machines: ${ALL}: 192.168.0.200 hands out addresses too`]);
    expect(await red(ALL, 'dhcp')).to.deep.equal([]);
  });

  it('a resolver that leads nowhere', async () => {
    const file = join('/etc/netns', seats.get(ONE)!.seat.netns, 'resolv.conf');
    const kept = readFileSync(file, 'utf8');
    writeFileSync(file, kept.replace(LAB_GATEWAY, '192.168.1.9'));
    const said = await red(ALL, 'dns').finally(() => writeFileSync(file, kept));
    expect(said.join()).to.match(
      new RegExp(`^dns: ${ONE}: no name at all through 192\\.168\\.1\\.9 \\((ETIMEOUT|ECONNREFUSED)\\)$`),
    );
    expect(await red(ALL, 'dns')).to.deep.equal([]);
  });

  it('a kernel that is not where they are told; a TFTP server without a file', async () => {
    const { lab } = healthy;
    const kernel = lab.site.statePath('boot/vmlinuz');
    const uefi = join(lab.dir, 'tftp', lab.site.config.dhcp.uefiFile);
    for (const file of [kernel, uefi]) renameSync(file, `${file}.away`);
    const said = await red(ALL, 'boot', 'tftp');
    for (const file of [kernel, uefi]) renameSync(`${file}.away`, file);
    expect(said).to.deep.equal([
      `tftp: 3 machines: ${ALL}: ${lab.site.config.dhcp.uefiFile} from ${LAB_GATEWAY}: File not found`,
      `boot: 3 machines: ${ALL}: http://${LAB_GATEWAY}:20020/files/vmlinuz: status 404`,
    ]);
    expect(await red(ALL, 'boot', 'tftp')).to.deep.equal([]);
  });

  it('a clock that is off', async () => {
    await clock.stop();
    clock = await healthy.startClock(30_000);
    const said = await red(ALL, 'ntp');
    await clock.stop();
    clock = await healthy.startClock(0);
    expect(said).to.deep.equal([`ntp: 3 machines: ${ALL}: its clock is more than 5 s behind ${LAB_GATEWAY}`]);
    expect(await red(ALL, 'ntp')).to.deep.equal([]);
  });

  it('an export that is gone, a version’s image that is not there, and one that is read', async () => {
    const { lab } = healthy;
    const { dir: versions } = lab.site.config.rfs;
    await nfs.stop();
    const gone = await red(ALL, 'nfs');
    nfs = await healthy.startNfs();
    expect(gone.join()).to.match(
      /^nfs: 3 machines: pas-r01p\[01-03\]: rhfs\S+:\/export\/nfsroot_ro: not running$/,
    );
    // Ganesha has one folder; of a version it is asked by the version's path.
    await nfs.stop();
    await commitVersion(7);
    nfs = await healthy.startNfs(versions);
    try {
      const missing = await red(ALL, 'nfs');
      expect(missing.join()).to.match(/\/7\/root\.img: it is not there$/);
      mkdirSync(healthy.exported('7'));
      writeFileSync(healthy.exported('7/root.img'), 'an image');
      expect(await red(ALL, 'nfs')).to.deep.equal([]);
      expect(await yellow(ALL, 'rfs')).to.deep.equal([
        `3 machines: ${ALL}: it runs no version, and would boot 7`,
      ]);
      await inside(ONE, 'sh', '-c', 'echo 6 >/run/prolo/version');
      for (const name of [TWO, THREE]) await inside(name, 'sh', '-c', 'echo 7 >/run/prolo/version');
      expect(await yellow(ALL, 'rfs')).to.deep.equal([`${ONE}: it runs version 6, and would boot 7`]);
    } finally {
      await store.knex('rfs_boots').delete();
      await store.knex('rfs_versions').delete();
      await nfs.stop();
      nfs = await healthy.startNfs();
    }
  });
  async function commitVersion(version: number): Promise<void> {
    const none = { bytes: 0, sha256: '0'.repeat(64) };
    const files = { vmlinuz: none, 'initrd.img': none, 'root.img': none, 'root.verity': none };
    const manifest = JSON.stringify({ version, rootHash: '0'.repeat(64), files });
    await store.knex('rfs_versions').insert({ version, manifest });
    for (const rfs of new Set(machines.map((machine) => machine.rfs)))
      await store.knex('rfs_boots').insert({ rfs, version });
  }

  it('no block devices for homes, and somebody who is logged on without a home', async () => {
    await inside(ONE, 'rmdir', '/sys/block/nbd0');
    await tellPresence('login');
    const said = await red(ALL, 'homes');
    await inside(ONE, 'mkdir', '/sys/block/nbd0');
    await tellPresence('logout');
    expect(said).to.have.members([
      `homes: ${ONE}: no network block devices: no home can be attached`,
      `homes: ${TWO}: zmartin is logged on, and no home is attached`,
    ]);
    expect(await red(ALL, 'homes')).to.deep.equal([]);
  });
  async function tellPresence(verb: 'login' | 'logout'): Promise<void> {
    const { lab } = healthy;
    const data = JSON.stringify({ login: 'zmartin', hostname: TWO });
    const hmac = makeToken(lab.site.secret('presencesync.publish'), data, Date.now());
    const url = `${serviceUrl(lab.site.config, 'presencesync')}/${verb}`;
    const form = ['--data-urlencode', `data=${data}`, '--data-urlencode', `hmac=${hmac}`];
    // As that machine does: a login counts from its own address alone.
    const { exitCode, stderr } = await seats.get(TWO)!.inside('curl', '-sS', '--fail', ...form, url.replace('127.0.0.1', LAB_GATEWAY)); // prettier-ignore
    expect(exitCode, stderr).to.equal(0);
  }

  it('a switch that it was not registered at', async () => {
    const { lab } = healthy;
    const seat = seats.get(ONE)!;
    const switches = JSON.parse(await lab.prolo('mdb', 'switch', 'list', '--json')) as SwitchRecord[];
    const { rfs, room } = machines.find(({ hostname }) => hostname === ONE)!;
    const right = switches.find((one) => one.rfs === rfs && one.room === room)!;
    const other = switches.find((one) => one.rfs !== rfs)!;
    await inside(ONE, 'mkdir', '-m', '755', '/run/lldpd');
    const enter = ['nsenter', '-t', String(seat.sshd.pid), '-m', '--'];
    await seat.seat.start('lldpd', [...enter, 'lldpd', '-d', '-r', '-p', '', '-I', 'eth0']);
    const heard = async (chassis: string): Promise<string[]> => {
      const silence = await plugSwitch(lab, `sw${chassis.slice(-2)}`, chassis);
      const hears = async () => (await seat.inside('lldpcli', 'show', 'neighbors')).stdout.includes(chassis);
      await lab.until(`LLDP of ${chassis}`, hears, STEP_MS);
      const said = await yellow(ONE, 'lldp');
      await silence();
      await lab.until('its silence', async () => !(await hears()), STEP_MS);
      return said;
    };
    expect(await heard(right.chassis)).to.deep.equal([]);
    expect((await heard(other.chassis)).join()).to.match(
      new RegExp(
        `^${ONE}: it is at ${other.name} \\(.*rfs ${other.rfs}.*\\), and is registered with .*rfs ${rfs}`,
      ),
    );
  });

  it('a network card at half duplex; a file system that is full', async () => {
    const card = '/sys/class/net/prolo9';
    await inside(ONE, 'sh', '-ec', `mount -t tmpfs net /sys/class/net; mkdir -p ${card}/device; cd ${card}; echo 0x1003 >flags; echo 1 >carrier; echo 100 >speed; echo half >duplex`); // prettier-ignore
    await inside(
      TWO,
      'sh',
      '-ec',
      'mount -t tmpfs -o size=1m full /home; head -c 1020k /dev/zero >/home/fill',
    );
    const own = (found: string[]): string[] => found.filter((one) => !/: \/(var|tmp|run)?: /.test(one));
    const said = own(await red(ALL, 'nic', 'disk'));
    await inside(ONE, 'umount', '/sys/class/net');
    await inside(TWO, 'umount', '/home');
    expect(said).to.have.members([
      `nic: ${ONE}: prolo9: half duplex`,
      `nic: ${ONE}: prolo9: 100 Mbit/s only`,
      `disk: ${TWO}: /home: less than 5 % of its space free`,
    ]);
    expect(own(await red(ALL, 'nic', 'disk'))).to.deep.equal([]);
  });

  it('a DHCP server that is not running', async () => {
    const { lab } = healthy;
    await lab.run(['sh', '-c', `kill $(cat ${lab.dir}/*kea-dhcp4*.pid)`]);
    const said = await eventually(
      () => red(ALL, 'dhcp'),
      (found) => found.length > 0,
      STEP_MS,
    );
    expect(said).to.deep.equal([`dhcp: 3 machines: ${ALL}: the DHCP server offers it nothing`]);
  });
});
