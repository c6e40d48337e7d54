import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ALL_DAEMONS } from '../../../src/daemons/registry.ts';
import { DAEMON_NEEDS, renderDaemonUnit, unitOf } from '../../../src/lib/install/daemons.ts';
import { needs } from '../../support/needs.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';

/** presenced is of PCs, and has the unit of the root that they boot; timers is for a host without systemd. */
const NO_SERVER_UNIT = ['presenced', 'timers'];
const MOST_EXPOSED = 4.0;

describe('a unit of each daemon of a server', () => {
  let dir: string;
  let test: TestSite;
  before(async function () {
    needs(this, { 'systemd-analyze': 'systemd' });
    dir = mkdtempSync(join(tmpdir(), 'prolo-daemon-units-'));
    test = await makeTestSite();
  });
  after(async () => {
    if (dir) rmSync(dir, { recursive: true, force: true });
    await test?.remove();
  });
  /** `prolo` itself is not installed here. */
  function write(name: string, text = renderDaemonUnit(name, test.site.config)): string {
    const file = join(dir, unitOf(name).replace('@.', '@2.'));
    writeFileSync(file, text.replaceAll('/usr/bin/prolo ', '/bin/true '));
    return file;
  }
  function analyze(script: string, file: string): string {
    return execFileSync('sh', ['-c', `systemd-analyze ${script} "$1" 2>&1 || true`, 'sh', file], {
      encoding: 'utf8',
    });
  }
  const exposure = (file: string): number =>
    Number(/exposure level for \S+: ([\d.]+)/.exec(analyze('security --offline=true --no-pager', file))?.[1]);

  it('none is forgotten', () =>
    expect(Object.keys(DAEMON_NEEDS)).to.include.members(
      ALL_DAEMONS.filter((name) => !NO_SERVER_UNIT.includes(name)),
    ));
  for (const name of Object.keys(DAEMON_NEEDS))
    it(`${name}: systemd takes it, and it is exposed by ${MOST_EXPOSED} at most`, () => {
      const file = write(name);
      expect(analyze('verify --man=no', file)).to.equal('');
      expect(exposure(file)).to.be.greaterThan(0).and.to.be.at.most(MOST_EXPOSED);
    });
  it('without what it may do, it would be exposed by more', () => {
    const text = renderDaemonUnit('mdb', test.site.config);
    expect(exposure(write('mdb', text.slice(0, text.indexOf('# What it may do'))))).to.be.greaterThan(9);
  });
  it('is the user prolo where it need not be root, who writes to the state and the database alone', () => {
    const text = renderDaemonUnit('mdb', test.site.config);
    expect(text)
      .to.match(/^User=prolo$/m)
      .and.to.match(/^CapabilityBoundingSet=$/m);
    expect(text.match(/^ReadWritePaths=.*$/gm)).to.deep.equal([
      'ReadWritePaths=-/etc/prolo/state',
      'ReadWritePaths=-/etc/prolo',
    ]);
    const sso = renderDaemonUnit('sso', test.site.config);
    expect(sso.match(/^ReadWritePaths=.*$/gm)).to.deep.equal(['ReadWritePaths=-/etc/prolo/state']);
    expect(renderDaemonUnit('passwd', test.site.config)).to.match(/^ReadWritePaths=-\/etc$/m);
  });
});
