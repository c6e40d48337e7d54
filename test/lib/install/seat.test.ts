import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { DISTRIBUTIONS } from '../../../src/lib/install/recipe.ts';
import { seat } from '../../../src/lib/install/recipes/seat.ts';
import { profilesOf } from '../../../src/lib/rfs/root/profiles.ts';
import { readPackageLines } from '../../../src/lib/rfs/root/packages.ts';
import { packageRoot } from '../../../src/lib/package-root.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';

describe('the recipe of a PC’s root', () => {
  let test: TestSite;
  before(async () => void (test = await makeTestSite()));
  after(() => test.remove());

  for (const distribution of DISTRIBUTIONS)
    it(`brings what login and presenced run there, as the profile base does: ${distribution}`, () => {
      const { packages = [] } = seat({ site: test.site, distribution, hostname: 'staging' });
      const base = readPackageLines(readFileSync(join(profilesOf(distribution), 'base.txt'), 'utf8'));
      // What each Arch has is not in its list.
      const there = distribution === 'arch' ? [...base, 'gcc-libs', 'pam'] : base;
      expect(there).to.include.members([...packages]);
      const unit = readFileSync(join(packageRoot, 'templates/systemd/prolo-presenced.service'), 'utf8');
      expect(unit).to.contain('/usr/bin/curl ');
      const nbd = distribution === 'arch' ? 'nbd' : 'nbd-client';
      expect(packages).to.include.members(['curl', nbd, 'kmod']);
    });
});
