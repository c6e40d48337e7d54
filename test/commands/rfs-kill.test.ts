import { expect } from 'chai';
import { needs } from '../support/needs.ts';
import { killCommits } from '../support/rfs-commit-kill.ts';
import { makeRfsSite, type RfsSite } from '../support/rfs-commit-site.ts';
import { kernelTreeOfLab, makeStaging, needsKernel } from '../support/rfs.ts';
import { sshPackages } from '../support/ssh-site.ts';

describe('prolo rfs commit, killed', function () {
  this.timeout(300_000);
  let rfs: RfsSite;
  before(async function () {
    needs(this, {
      ...sshPackages,
      rsync: 'rsync',
      mksquashfs: 'squashfs-tools',
      veritysetup: 'cryptsetup-bin',
    });
    needsKernel(this);
    rfs = await makeRfsSite(2);
    await makeStaging(rfs.staging, kernelTreeOfLab());
  });
  after(() => rfs?.close());

  it('at 30 random moments leaves what machines boot whole, and the next one goes on', async () => {
    const { killed } = await killCommits(rfs, 30, 2500);
    expect(killed).to.be.above(0);
  });
});
