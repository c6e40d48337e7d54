import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { applyPlan, type Plan } from '../../../src/lib/install/install.ts';
import { openJournal } from '../../../src/lib/install/journal.ts';
import type { Step } from '../../../src/lib/install/plan.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';

describe('what is written down of an installation', () => {
  let root: string;
  let test: TestSite;
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'prolo-journal-'));
    mkdirSync(join(root, 'etc'));
    // Whoever runs this is root there.
    writeFileSync(join(root, 'etc/passwd'), `root:x:${process.getuid!()}:0::/:/bin/sh\n`);
    writeFileSync(join(root, 'etc/group'), `root:x:${process.getgid!()}:\n`);
    test = await makeTestSite();
  });
  afterEach(async () => {
    rmSync(root, { recursive: true, force: true });
    await test.remove();
  });

  const install = (check: string[], ...steps: Step[]) => {
    const plan: Plan = {
      target: { site: test.site, root, hostname: 'gw' },
      distribution: 'debian',
      recipes: [{ name: 'x', summary: 'x', checks: [{ argv: check }] }],
      steps,
    };
    return applyPlan(plan, { by: 'me', at: new Date(0), overwrite: false });
  };
  const wish = { path: '/etc/x.conf', text: 'x\n' };
  const file: Step = { kind: 'file', recipe: 'x', wish, before: undefined, edited: false };
  const states = async () =>
    (await openJournal(root).runs()).map(({ state, changes }) => [state, changes.length]);

  it('is that it failed where its programs refuse the files, though none of them is left', async () => {
    const error = await install(['no-such-program'], file).catch((one: Error) => one);
    expect(error).to.have.property('kind', 'refused');
    expect(existsSync(join(root, wish.path))).to.equal(false);
    expect(await states()).to.deep.equal([['failed', 0]]);
  });
});
