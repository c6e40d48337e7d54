import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { buildDiscovery } from '../../../src/lib/netboot/discovery.ts';
import { newestVersion } from '../../../src/lib/kernel-tree.ts';
import { chooseModules } from '../../../src/lib/netboot/kernel-modules.ts';
import { renderSwitches } from '../../../src/lib/netboot/script.ts';
import { needs } from '../../support/needs.ts';
import { config } from './support.ts';

const DEP = `kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko: kernel/drivers/ptp/ptp.ko kernel/drivers/pps/pps_core.ko
kernel/drivers/ptp/ptp.ko: kernel/drivers/pps/pps_core.ko
kernel/drivers/pps/pps_core.ko:
kernel/drivers/net/wireless/ath/ath9k/ath9k.ko: kernel/net/wireless/cfg80211.ko
kernel/drivers/net/virtio_net.ko.xz: kernel/net/core/failover.ko.xz
kernel/net/core/failover.ko.xz:
kernel/drivers/hid/usbhid/usbhid.ko: kernel/drivers/hid/hid.ko
kernel/drivers/hid/hid.ko:
`;

describe('netboot discovery', () => {
  it('takes network and keyboard drivers, and what they need', () => {
    expect(chooseModules(DEP)).to.deep.equal([
      'kernel/drivers/hid/hid.ko',
      'kernel/drivers/hid/usbhid/usbhid.ko',
      'kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko',
      'kernel/drivers/net/virtio_net.ko.xz',
      'kernel/drivers/pps/pps_core.ko',
      'kernel/drivers/ptp/ptp.ko',
      'kernel/net/core/failover.ko.xz',
    ]);
  });

  it('the newest kernel is not the last in the alphabet', () => {
    expect(newestVersion(['6.1.0-9-amd64', '6.1.0-56-amd64', '5.10.0-99-amd64'])).to.equal('6.1.0-56-amd64');
    expect(newestVersion([])).to.equal(undefined);
  });

  it('its shell is told words only', () => {
    const evil = { name: 'a b\nroom x', chassis: '02:99:71:f6:c6:5a', rfs: 0, hfs: 1, room: '$(reboot);' };
    const lines = renderSwitches(config(), [evil]).split('\n');
    expect(lines[0]).to.equal('switch 02:99:71:f6:c6:5a 0 1 $(reboot); a_b_room_x');
    expect(lines.slice(1, 3)).to.deep.equal(['room pasteur pas', 'room alt alt']);
    expect(lines.filter((line) => line.startsWith('mtype '))).to.have.length(4);
  });

  describe('build', function () {
    this.timeout(120_000);
    let dir: string;
    before(function () {
      needs(this, { busybox: 'busybox-static', lldpd: 'lldpd', cpio: 'cpio', depmod: 'kmod' });
      dir = mkdtempSync(join(tmpdir(), 'prolo-discovery-'));
    });
    after(() => dir && rmSync(dir, { recursive: true, force: true }));

    it('packs an init, busybox and lldpd with its libraries', async () => {
      const modules = join(dir, 'tree/lib/modules/6.1.0-1-test');
      mkdirSync(join(modules, 'kernel'), { recursive: true });
      mkdirSync(join(dir, 'tree/boot'));
      writeFileSync(join(modules, 'modules.dep'), '');
      writeFileSync(join(dir, 'tree/boot/vmlinuz-6.1.0-1-test'), 'kernel');
      const built = await buildDiscovery({ kernelTree: join(dir, 'tree'), outDir: join(dir, 'out') });
      expect(built.kernelVersion).to.equal('6.1.0-1-test');
      expect(readFileSync(built.kernel, 'utf8')).to.equal('kernel');
      const cpio = execFileSync('zcat', [built.initrd], { maxBuffer: 1 << 28 });
      const list = execFileSync('cpio', ['-tv', '--quiet'], { input: cpio, encoding: 'utf8' });
      for (const entry of [
        /^-rwxr-xr-x .* init$/m,
        /^-rwxr-xr-x .* sbin\/lldpd$/m,
        /libc\.so\.6$/m,
        /ld-linux-x86-64\.so\.2$/m,
        / bin\/sh -> busybox$/m,
      ])
        expect(list).to.match(entry);
      expect(list, 'nothing of this host').to.not.match(/ var\/run\/| usr\/sbin\//);
      expect(readdirSync(join(dir, 'out')).sort()).to.deep.equal(['initrd.img', 'vmlinuz']);
    });

    it('without a kernel it says so, and leaves nothing', async () => {
      const outDir = join(dir, 'none');
      const failure = await buildDiscovery({ kernelTree: dir, outDir }).catch((error: Error) => error);
      expect(String(failure)).to.include('no boot/vmlinuz-VERSION');
      expect(existsSync(outDir)).to.equal(false);
    });
  });

  it('its scripts are what a shell can read', function () {
    needs(this, { busybox: 'busybox-static' });
    for (const name of ['init', 'dhcp-event'])
      execFileSync('busybox', [
        'sh',
        '-n',
        new URL(`../../../templates/discovery/${name}`, import.meta.url).pathname,
      ]);
  });
});
