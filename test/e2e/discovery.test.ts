import { expect } from 'chai';
import { kernelDir } from '../../src/lib/lab/kernel.ts';
import { labMac } from '../../src/lib/lab/qemu.ts';
import { plugSwitch, SWITCH_PROGRAMS } from '../../src/lib/lab/switch.ts';
import { needs } from '../support/needs.ts';
import { needsLab, startTestLab, STEP_MS, type TestLab } from '../support/lab.ts';

describe('a PC that nobody knows, at a switch that MDB knows', function () {
  this.timeout(6 * STEP_MS);
  let lab: TestLab;
  before(async function () {
    needsLab(this);
    needs(this, { ...SWITCH_PROGRAMS, cpio: 'cpio' });
    lab = await startTestLab();
    await lab.prolo('netboot', 'discovery', '--kernel', kernelDir());
    await lab.prolo('mdb', 'setting', 'allow_self_registration', 'true');
  });
  after(() => lab?.stop());

  it('finds its file server by LLDP with the small Linux, believes no other, registers and boots from it', async () => {
    const mac = labMac(1);
    await plugSwitch(lab, 'server', labMac(0xfe));
    const { console, off } = await lab.plugPc({ name: 'lldp', mac, memoryMib: 768, limitSeconds: 500 });
    await console.waitFor(/is unknown here/, STEP_MS);
    await console.waitFor(/reboot/, STEP_MS);
    // Debian's iPXE has no LLDP, notices that, and starts the small Linux.
    await console.type('l');
    await console.waitFor(/LLDP: this iPXE has none; a small Linux will look/, STEP_MS);
    await console.waitFor(new RegExp(`prolo: this is ${mac}`), 2 * STEP_MS);
    await console.waitFor(
      new RegExp(`prolo: ${labMac(0xfe)} is no switch that MDB knows, and is ignored`),
      STEP_MS,
    );

    await plugSwitch(lab, 'switch', '68:b5:99:9f:45:43');
    await console.waitFor(
      /prolo: at switch sw-pas-4 \(68:b5:99:9f:45:43\): rfs 3, hfs 3, room pasteur/,
      STEP_MS,
    );
    await console.waitFor(/type .*: /, STEP_MS);
    await console.press('enter');
    await console.waitFor(/hostname .*: /, STEP_MS);
    await console.type('pas-r13p01');
    await console.press('enter');
    await console.waitFor(/prolo: registered: pas-r13p01 with address 192\.168\.0\.127 /, STEP_MS);

    await console.waitFor(/^LAB OK init/m, 2 * STEP_MS);
    expect(console.text()).to.match(/^LAB arguments .* nfsroot=192\.168\.1\.4:\/export\/nfsroot_ro,ro/m);
    expect(console.text()).to.match(/^LAB address 192\.168\.0\.127\/23 host=pas-r13p01 /m);
    expect(await off).to.equal('exit status 0');
    const record = JSON.parse(await lab.prolo('mdb', 'show', 'pas-r13p01', '--json')) as object;
    expect(record).to.include({ mac, rfs: 3, hfs: 3, room: 'pasteur', mtype: 'user' });
  });
});
