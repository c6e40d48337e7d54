import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { needsLab, STEP_MS } from '../support/lab.ts';
import { needs } from '../support/needs.ts';
import {
  buildLive,
  type Drive,
  makeDrive,
  serverBase,
  startLive,
  startServer,
} from '../support/raid-guest.ts';

/** What is emulated takes many times as long where others use the processor too. */
const LONG_MS = 10 * STEP_MS;
const ROOM = '3G';

const [ONE, TWO] = ['/dev/vdc', '/dev/vdd'];
const BOOTSTRAP = `prolo bootstrap ${ONE} ${TWO} --host gw --key /root/id.pub --base /dev/vdb --serial ttyS0`;

describe('a server of bare disks', function () {
  this.timeout(3 * LONG_MS);
  let dir: string;
  let identity: string;
  let base: string;
  let drives: Record<'one' | 'two' | 'three' | 'four', Drive>;
  const started: { stop(): Promise<void> }[] = [];
  const keep = <T extends { stop(): Promise<void> }>(server: T): T => {
    started.push(server);
    return server;
  };

  before(async function () {
    needsLab(this);
    needs(this, { mmdebstrap: 'mmdebstrap', mksquashfs: 'squashfs-tools', ssh: 'openssh-client' });
    dir = mkdtempSync(join(tmpdir(), 'prolo-e2e-raid-'));
    identity = join(dir, 'identity');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', identity]);
    base = await serverBase();
    const [one, two, three, four] = await Promise.all(
      ['one', 'two', 'three', 'four'].map((name) => makeDrive(dir, name, ROOM)),
    );
    drives = { one: one!, two: two!, three: three!, four: four! };
  });
  after(async () => {
    for (const server of started) await server.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  it('refuses what holds data, is killed, goes on, and is whole', async () => {
    const live = await buildLive(dir, base);
    const disks = [{ file: base, serial: 'base', readOnly: true }, drives.one, drives.two];
    const guest = keep(await startLive(dir, live, disks, LONG_MS));
    await guest.ok(`echo '${readFileSync(`${identity}.pub`, 'utf8').trim()}' >/root/id.pub`);
    await guest.ok('udevadm trigger --settle && udevadm settle');

    await guest.ok(`mkfs.ext4 -q -F -L photos ${TWO} && udevadm settle`);
    const refused = await guest.run(`${BOOTSTRAP} --yes`, LONG_MS);
    expect(refused.exitCode).to.equal(5);
    expect(refused.stderr).to.match(/disk \/dev\/vdd: holds data: vdd ext4 "photos"\n.*--erase \/dev\/vdd/);
    expect(await guest.ok(`blkid -o value -s LABEL ${TWO}`)).to.equal('photos\n');

    // Killed in the middle: what ran for it ends too, and what was made on the disks is known again.
    const erasing = `${BOOTSTRAP} --erase ${TWO} --yes`;
    const killAt = (step: string): string =>
      `${erasing} >/tmp/said 2>&1 & pid=$!
for i in $(seq 6000); do grep -q '^[0-9/]* ${step}: ' /tmp/said && break; kill -0 $pid || break; sleep 0.1; done
kill -9 $pid && ! wait $pid && cat /tmp/said`;
    expect(await guest.ok(killAt('configure'), LONG_MS)).to.match(/^7\/\d+ base: /m);
    const other = await guest.run(`${BOOTSTRAP} --swap-size 64M --yes`, LONG_MS);
    expect(other.stderr).to.match(/holds data: .*a bootstrap with other arguments has begun on it/);

    const { exitCode, stdout, stderr } = await guest.run(erasing, LONG_MS);
    expect(exitCode, stderr).to.equal(0);
    expect(stdout).to.match(/^gw: made/m);
    expect(stderr)
      .to.match(/^1\/\d+ erase: done before$/m)
      .and.match(/^7\/\d+ base: done before$/m);
    expect(await guest.ok(`lsblk -no PARTLABEL ${ONE} ${TWO}`)).not.to.contain('half');
    // It is a server now, and not to be made anew by mistake.
    expect((await guest.run(`${BOOTSTRAP} --yes`, LONG_MS)).stderr).to.match(/disk \/dev\/vdc: holds data/);
    await guest.ok('mdadm --wait /dev/md127 || :; mdadm --stop /dev/md127; sync', LONG_MS);
    await guest.stop();
  });

  it('starts from the second disk alone; the doctor names the dead one, and a new one takes its place', async () => {
    const server = keep(await startServer(dir, 'bios', [drives.two, drives.three, drives.four], identity));
    await server.console.waitFor(/^gw login: /m, LONG_MS);
    const said = await server.ssh('prolo doctor raid; echo status $?', LONG_MS);
    expect(said.stdout, said.stderr).to.match(
      /^red +raid +\/dev\/md\d+ \(raid1\) \[_U\]: a disk is gone: serial one, it was at /m,
    );
    expect(said.stdout).to.match(/serial three, .* is empty/);
    expect(said.stdout)
      .to.contain('prolo doctor raid --replace missing --with /dev/vdb\n')
      .and.to.match(/^status 1$/m);

    const look = await server.ssh('prolo doctor raid --replace missing --with /dev/vdb --dry-run', LONG_MS);
    expect(look.stdout, look.stderr).to.contain('mdadm /dev/md127 --add /dev/vdb3\n');
    expect((await server.ssh('cat /proc/mdstat')).stdout).to.contain('[_U]');

    const replaced = await server.ssh('prolo doctor raid --replace missing --with /dev/vdb --yes', LONG_MS);
    expect(replaced.exitCode, replaced.stderr).to.equal(0);
    expect(replaced.stdout).to.match(/^\/dev\/vdb: has its copy$/m);
    expect((await server.ssh('cat /proc/mdstat')).stdout).to.contain('[UU]');
    const healthy = await server.ssh('prolo doctor raid --json', LONG_MS);
    expect(JSON.parse(healthy.stdout)).to.have.property('colour', 'green');

    // One that works yet is in the array until the new one has its copy: md says nothing of a failure.
    const weak = await server.ssh('prolo doctor raid --replace /dev/vda --with /dev/vdc --yes', LONG_MS);
    expect(weak.exitCode, weak.stderr).to.equal(0);
    expect((await server.ssh('cat /proc/mdstat')).stdout).to.match(
      /: active raid1 vd[bc]3\S+ vd[bc]3\S+\n.*\[UU\]/,
    );
    expect((await server.ssh('dmesg')).stdout)
      .to.contain('md127')
      .and.not.to.contain('Disk failure on');
    expect((await server.ssh('mdadm --examine /dev/vda3')).stderr).to.contain('No md superblock');
    await server.ssh('systemctl poweroff');
    await server.off;
  });

  it('starts from the newest disk alone, by UEFI', async () => {
    const server = keep(await startServer(dir, 'uefi', [drives.four], identity));
    await server.console.waitFor(/^gw login: /m, LONG_MS);
    expect((await server.ssh('ls /sys/firmware/efi/efivars | head -n 1; hostname')).stdout).to.match(
      /\ngw\n$/,
    );
    await server.stop();
  });
});
