import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { LAB_GATEWAY } from '../../src/lib/lab/site.ts';
import type { Running } from '../../src/lib/lab/process.ts';
import { type HealthyLab, startHealthyLab } from '../support/healthy-lab.ts';
import { eventually, needsLab, STEP_MS, type TestLab } from '../support/lab.ts';
import { needs } from '../support/needs.ts';
import { nfsPackages } from '../support/nfs.ts';

describe('prolo doctor on the gateway of 140 machines, among real servers', function () {
  this.timeout(4 * STEP_MS);
  let healthy: HealthyLab;
  let lab: TestLab;
  let nfs: Running;
  let clock: Running;

  const doctor = (...only: string[]) => healthy.doctor(...only);
  /** What one check says that is red; with status 1 then, and else 0. */
  async function red(name: string): Promise<string[]> {
    const { status, checks } = await doctor(name);
    const said = checks.flatMap(({ findings }) => findings).filter(({ colour }) => colour === 'red');
    expect(status).to.equal(said.length > 0 ? 1 : 0);
    for (const { fix } of said) expect(fix).to.be.a('string');
    return said.map(({ what }) => what);
  }
  before(async function () {
    needsLab(this);
    needs(this, { ...nfsPackages, dnsmasq: 'dnsmasq-base' });
    healthy = await startHealthyLab();
    ({ lab } = healthy);
    nfs = await healthy.startNfs();
    clock = await healthy.startClock(0);
  });
  after(async () => {
    await lab?.stop();
  });

  it('finds nothing red on a healthy site, and looks at all that is there', async () => {
    const { status, checks } = await doctor();
    const said = checks.flatMap(({ findings }) => findings);
    expect(said.filter(({ colour }) => colour === 'red')).to.deep.equal([]);
    expect(status).to.equal(0);
    const green = checks.filter(({ colour }) => colour === 'green').map(({ name }) => name);
    expect(green).to.include.members(
      'services secrets database feeds dns dhcp foreign-dhcp tftp boot nfs rfs ntp raid addresses'.split(' '),
    );
  });

  it('a foreign DHCP server', async () => {
    const seat = await lab.plugSeat('52:54:00:66:66:66');
    await seat.run(['ip', 'address', 'add', '192.168.0.200/23', 'dev', 'eth0']);
    const foreign = await seat.start('foreign', [
      ...['dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--bind-interfaces'],
      ...['--dhcp-range=10.66.0.10,10.66.0.20,255.255.255.0,1h', '--dhcp-range=192.168.0.210,192.168.0.220'],
      ...['--dhcp-authoritative', '--leasefile-ro', '--user=root', '--pid-file=', '--log-facility=-'],
    ]);
    try {
      const said = await eventually(
        () => red('foreign-dhcp'),
        (found) => found.length > 0,
        STEP_MS,
      );
      expect(said.join()).to.match(
        /^192\.168\.0\.200: it hands out addresses too, such as 192\.168\.0\.2\d\d$/,
      );
    } finally {
      await foreign.stop();
    }
    expect(await red('foreign-dhcp')).to.deep.equal([]);
  });

  it('a machine’s address that another card has taken', async () => {
    const seat = await lab.plugSeat('52:54:00:66:66:67');
    await seat.run(['ip', 'address', 'add', '192.168.0.7/23', 'dev', 'eth0']);
    const said = await red('addresses');
    await seat.run(['ip', 'address', 'del', '192.168.0.7/23', 'dev', 'eth0']);
    await lab.run(['ip', 'neigh', 'flush', 'all']);
    expect(said.join()).to.match(
      /^192\.168\.0\.7: .* and 52:54:00:66:66:67 answers for it, which is not in MDB$/,
    );
    expect(await red('addresses')).to.deep.equal([]);
  });

  it('a TFTP server with a wrong file, and without one', async () => {
    const { biosFile, uefiFile } = lab.site.config.dhcp;
    const [bios, uefi] = [join(lab.dir, 'tftp', biosFile), join(lab.dir, 'tftp', uefiFile)];
    const kept = readFileSync(bios);
    copyFileSync(uefi, bios);
    renameSync(uefi, `${uefi}.away`);
    const said = await red('tftp');
    writeFileSync(bios, '<html>not here</html>'.repeat(100));
    const text = await red('tftp');
    writeFileSync(bios, kept);
    renameSync(`${uefi}.away`, uefi);
    expect(said).to.include(
      `${biosFile} from ${LAB_GATEWAY}: it is a program of UEFI, and a BIOS is told to run it`,
    );
    expect(said).to.include(`${uefiFile} from ${LAB_GATEWAY}: File not found`);
    expect(text).to.include(`${biosFile} from ${LAB_GATEWAY}: it is a text, and no program`);
    expect(await red('tftp')).to.deep.equal([]);
  });

  it('a kernel that is not where machines are told', async () => {
    const kernel = lab.site.statePath('boot/vmlinuz');
    renameSync(kernel, `${kernel}.away`);
    const said = await red('boot');
    renameSync(`${kernel}.away`, kernel);
    expect(said).to.deep.equal([`http://${LAB_GATEWAY}:20020/files/vmlinuz: status 404`]);
    expect(await red('boot')).to.deep.equal([]);
  });

  it('a clock that is off, and a time server that is gone', async () => {
    await clock.stop();
    clock = await healthy.startClock(30_000);
    const off = await red('ntp');
    await clock.stop();
    const gone = await red('ntp');
    clock = await healthy.startClock(0);
    expect(off.join()).to.match(/this clock is (30|29\.9\d*|30\.0\d*) s behind 192\.168\.1\.254/);
    expect(gone).to.deep.equal(['time server 192.168.1.254: not running']);
  });

  it('an export that is missing, and an NFS that is gone', async () => {
    await nfs.stop();
    const gone = await red('nfs');
    nfs = await healthy.startNfs('/elsewhere');
    const missing = await red('nfs');
    await nfs.stop();
    nfs = await healthy.startNfs();
    expect(gone.join()).to.match(/^rhfs\S+:\/export\/nfsroot_ro: not running$/);
    expect(missing.join()).to.match(/^rhfs\S+:\/export\/nfsroot_ro: it is not exported$/);
    expect(await red('nfs')).to.deep.equal([]);
  });

  it('a DHCP server that is not running', async () => {
    await lab.run(['sh', '-c', `kill $(cat ${lab.dir}/*kea-dhcp4*.pid)`]);
    const said = await eventually(
      () => red('dhcp'),
      (found) => found.length > 0,
    );
    expect(said.join()).to.match(/^kea: not running/);
  });
});
