import { expect } from 'chai';
import { labMac } from '../../src/lib/lab/qemu.ts';
import { needsLab, startTestLab, STEP_MS, type TestLab } from '../support/lab.ts';

describe('a PC that is marked faulty', function () {
  this.timeout(5 * STEP_MS);
  let lab: TestLab;
  before(async function () {
    needsLab(this);
    lab = await startTestLab();
  });
  after(() => lab?.stop());

  it('shows its reason as text and nothing more, and boots once the mark is taken off', async () => {
    const mac = labMac(1);
    await lab.prolo('mdb', 'add', '--hostname', 'alt-r01p01', '--mac', mac, '--room', 'alt');
    // iPXE knows no quoting: what it would expand, chain or run is shown a little differently.
    const reason = 'fan ${net0/mac}; smells || poweroff && "burnt"\nshell';
    await lab.prolo('mdb', 'faulty', 'alt-r01p01', '--reason', reason);
    const pc = await lab.plugPc({ name: 'faulty', mac });
    await pc.console.waitFor(/alt-r01p01 is marked faulty:/, STEP_MS);
    const [, shown = ''] = await pc.console.waitFor(/\.\.\. (.*)\n/, STEP_MS);
    expect(shown).to.equal('fan $(net0/mac); smells | poweroff & "burnt" shell');
    await pc.console.waitFor(/rebooting in 3 s/, STEP_MS);

    await lab.prolo('mdb', 'faulty', 'alt-r01p01', '--clear');
    await pc.console.waitFor(/^LAB OK init/m, STEP_MS);
    await pc.off;
  });
});
