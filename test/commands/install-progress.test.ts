import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect } from 'chai';
import type { Step } from '../../src/lib/install/plan.ts';
import { stepText } from '../../src/lib/install/show-progress.ts';
import { prolo } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';
import { proloAtTerminal } from '../support/terminal.ts';

describe('prolo install, while it is at work', function () {
  this.timeout(60_000);
  let dir: string;
  let test: TestSite;
  beforeEach(async function () {
    needs(this, { script: 'bsdutils' });
    if (process.getuid?.() !== 0) this.skip();
    dir = mkdtempSync(join(tmpdir(), 'prolo-progress-'));
    test = await makeTestSite();
    mkdirSync(join(dir, 'etc'));
    writeFileSync(join(dir, 'etc/os-release'), 'ID=debian\n');
    writeFileSync(join(dir, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
    writeFileSync(join(dir, 'etc/group'), 'root:x:0:\n');
  });
  afterEach(async () => {
    if (dir) rmSync(dir, { recursive: true, force: true });
    await test?.remove();
  });
  const words = (...recipes: string[]) => ['install', ...recipes, '--root', dir, '--yes'];

  /** That terminal is as narrow as can be: what it shows without what breaks its lines. */
  const squeezed = (shown: string): string => stripVTControlCharacters(shown).replaceAll(/\s/g, '');

  it('shows a line a recipe on a terminal', async () => {
    const { status, shown } = await proloAtTerminal(words('sysctl', 'router'), { config: test.site.file });
    expect(status, shown).to.equal(0);
    const text = squeezed(shown);
    expect(text).to.include('✔sysctl✔router');
  });

  it('shows which recipe failed, and why; those after it are not taken for done', async () => {
    // No such user is there, and nobody can be made one.
    writeFileSync(join(dir, 'etc/group'), 'nobody:x:65534:\n');
    const { status, shown } = await proloAtTerminal(words('sysctl', 'router'), { config: test.site.file });
    expect(status).to.equal(4);
    const text = squeezed(shown);
    expect(text).to.match(/✖sysctl:.*thehosthasnoroot:root/);
    expect(text).not.to.match(/✔router/);
  });

  it('says which step of how many a recipe is at', () => {
    const enable = (recipe: string, unit: string): Step => ({ kind: 'enable', recipe, units: [unit] });
    const steps = [enable('nginx', 'a'), enable('named', 'b'), enable('named', 'c')];
    expect(steps.map((step) => stepText(steps, step).split(':')[0])).to.deep.equal([
      'nginx 1/1',
      'named 1/2',
      'named 2/2',
    ]);
  });

  it('says a line a step in a pipe, and nothing at all with --json', async () => {
    const piped = await prolo(words('sysctl'), { config: test.site.file });
    expect([piped.status, piped.stderr]).to.deep.equal([0, '+ /etc/sysctl.d/60-prolo-sysctl.conf\n']);
    const json = await prolo([...words('router'), '--json'], { config: test.site.file });
    expect([json.status, json.stderr]).to.deep.equal([0, '']);
    expect(JSON.parse(json.stdout)).to.have.property('steps').with.lengthOf(1);
  });
});
