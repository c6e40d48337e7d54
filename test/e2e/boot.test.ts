import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { labMac } from '../../src/lib/lab/qemu.ts';
import type { StageReport } from '../../src/lib/netboot/stages.ts';
import { needsLab, startTestLab, STEP_MS, type TestLab } from '../support/lab.ts';

describe('a PC that MDB knows', function () {
  this.timeout(4 * STEP_MS);
  let lab: TestLab;
  before(async function () {
    needsLab(this);
    lab = await startTestLab();
  });
  after(() => lab?.stop());

  /** From switched on to powered off; what its init said, by its first word. */
  async function boot(firmware: 'bios' | 'uefi', mac: string) {
    const pc = await lab.plugPc({ name: firmware, mac, firmware });
    await pc.console.waitFor(/^LAB OK init/m, 2 * STEP_MS);
    expect(await pc.off).to.equal('exit status 0');
    await pc.stop();
    const text = pc.console.text();
    return {
      text,
      said: (word: string): string => new RegExp(`^LAB ${word} (.*)$`, 'm').exec(text)?.[1]?.trim() ?? '',
    };
  }

  it('boots to init by BIOS and by UEFI, each with the kernel arguments of its own', async () => {
    const machines = { bios: labMac(1), uefi: labMac(2) };
    await lab.prolo(
      'mdb',
      'add',
      '--hostname',
      'alt-r01p01',
      '--mac',
      machines.bios,
      '--rfs',
      '3',
      '--hfs',
      '3',
      '--room',
      'alt',
    );
    await lab.prolo(
      'mdb',
      'add',
      '--hostname',
      'alt-r01p02',
      '--mac',
      machines.uefi,
      '--rfs',
      '8',
      '--hfs',
      '8',
      '--room',
      'alt',
      '--ip',
      '192.168.0.250',
    );
    const [bios, uefi] = await Promise.all([boot('bios', machines.bios), boot('uefi', machines.uefi)]);

    // The site's options, and the root of the machine's own RFS: the address of its alias rfsN.
    const options = 'ip=dhcp quiet console=ttyS0 panic=-1 prolo.netboot=http://192.168.1.254:20020';
    expect(bios.said('arguments')).to.equal(
      `initrd=initrd.img ${options} nfsroot=192.168.1.4:/export/nfsroot_ro,ro`,
    );
    // UEFI puts the kernel's name before them.
    expect(uefi.said('arguments')).to.equal(
      `vmlinuz initrd=initrd.img ${options} nfsroot=192.168.1.9:/export/nfsroot_ro,ro`,
    );

    expect(bios.said('address')).to.equal(
      '192.168.0.127/23 host=alt-r01p01 domain=prolo dns=192.168.1.254 server=192.168.1.254',
    );
    expect(uefi.said('address')).to.match(/^192\.168\.0\.250\/23 host=alt-r01p02 /);
    expect(bios.said('name')).to.equal('alt-r01p01 is 192.168.0.127');
    expect(uefi.said('name')).to.equal('alt-r01p02 is 192.168.0.250');

    // The BIOS PC's network card brings iPXE; the UEFI PC's firmware fetched it by TFTP.
    expect(bios.text).not.to.contain('NBP');
    expect(uefi.text)
      .to.contain('NBP filename is ipxe.efi')
      .and.to.contain('NBP file downloaded successfully');

    const seen = JSON.parse(await lab.prolo('netboot', 'watch', '--once', '--json')) as StageReport[];
    for (const mac of Object.values(machines))
      expect(seen.find((report) => report.mac === mac)?.stage, mac).to.equal('up');
  });

  it('boots another system once, and its own again after that', async () => {
    const mac = labMac(4);
    const files = lab.site.statePath(lab.site.config.netboot.filesDir);
    for (const file of ['vmlinuz', 'initrd.img']) cpSync(join(files, file), join(files, 'rescue', file));
    await lab.prolo('mdb', 'add', '--hostname', 'alt-r01p04', '--mac', mac, '--room', 'alt');
    await lab.prolo('netboot', 'once', 'alt-r01p04', 'rescue');
    const rescue = await boot('bios', mac);
    expect(rescue.text).to.contain('alt-r01p04 boots rescue').and.to.contain('/files/rescue/vmlinuz');
    expect(rescue.said('arguments')).not.to.contain('nfsroot');
    const own = await boot('bios', mac);
    expect(own.said('arguments')).to.contain('nfsroot=192.168.1.1:/export/nfsroot_ro,ro');
  });
});
