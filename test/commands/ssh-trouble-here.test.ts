import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { knownHostsFile } from '../../src/lib/ssh/known-hosts.ts';
import type { Outcome } from '../../src/lib/ssh/protocol.ts';
import { prolo } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { makeSshSite, type SshSite, sshPackages } from '../support/ssh-site.ts';

describe('trouble on the host that runs prolo pssh, pcp, pget', function () {
  this.timeout(60_000);
  let site: SshSite;
  let dir: string;
  before(async function () {
    needs(this, sshPackages);
    dir = mkdtempSync(join(tmpdir(), 'prolo-trouble-'));
    site = await makeSshSite({ machines: 2 });
  });
  after(async () => {
    await site?.stop();
    if (dir) rmSync(dir, { recursive: true });
  });
  const run = (...args: string[]) => prolo(args, { config: site.test.site.file });

  describe('host keys that cannot be recorded', () => {
    const lock = (): string => `${knownHostsFile(site.test.site)}.lock`;
    beforeEach(() => {
      rmSync(knownHostsFile(site.test.site), { force: true });
      rmSync(lock(), { force: true });
      mkdirSync(lock(), { recursive: true });
    });
    afterEach(() => rmSync(lock(), { recursive: true }));
    const words = /^host keys are not recorded: .*known_hosts\.lock/m;

    it('are noted, and change nothing of a run', async () => {
      const { status, stdout, stderr } = await run('pssh', '@all', '--gather', '--', 'echo hi');
      expect(stdout).to.equal('== pas-r01p[01-02] (2)\nhi\n');
      expect(stderr).to.match(words).and.match(/^2 ok/m);
      expect(status).to.equal(0);
      const json = await run('pssh', '@all', '--json', '--', 'exit 3');
      const { outcomes } = JSON.parse(json.stdout) as { outcomes: Outcome[] };
      expect(outcomes.map(({ exitCode }) => exitCode)).to.deep.equal([3, 3]);
      expect(json.status).to.equal(3);
    });

    it('are noted, and change nothing of a copy', async () => {
      writeFileSync(join(dir, 'one'), 'x');
      const { status, stderr } = await run('pcp', '@all', '--', join(dir, 'one'), join(dir, 'copy'));
      expect(stderr).to.match(words).and.match(/^2 ok/m);
      expect(status).to.equal(0);
      expect(readdirSync(dir)).to.include('copy');
    });
  });
});
