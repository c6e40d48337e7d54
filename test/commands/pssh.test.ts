import { expect } from 'chai';
import type { Outcome } from '../../src/lib/ssh/protocol.ts';
import { prolo } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { makeSshSite, type SshSite, sshPackages } from '../support/ssh-site.ts';

describe('prolo pssh', function () {
  this.timeout(60_000);
  let site: SshSite;
  before(async function () {
    needs(this, sshPackages);
    site = await makeSshSite({ machines: 8 });
  });
  after(() => site?.stop());
  const run = (...args: string[]) => prolo(['pssh', ...args], { config: site.test.site.file });

  it('runs a command at each machine, and prints each line behind its name', async () => {
    const { status, stdout } = await run('pas-r01p[01-03]', '--', 'echo', 'one  two;', '$HOME');
    expect(stdout.trim().split('\n').sort()).to.deep.equal(
      [1, 2, 3].map((n) => `pas-r01p0${n}: one  two; $HOME`),
    );
    expect(status).to.equal(0);
  });

  it('leaves one word to the shell over there', async () => {
    const { stdout } = await run('pas-r01p01', '--', 'echo $SSH_CONNECTION | cut -d" " -f3');
    expect(stdout).to.equal('pas-r01p01: 127.0.1.1\n');
  });

  it('has the highest exit status', async () => {
    const { status, stdout } = await run('--json', '--', 'exit ${SSH_CONNECTION##*.1.}; true');
    expect(status).to.equal(1);
    expect((JSON.parse(stdout) as { outcomes: Outcome[] }).outcomes).to.have.length(8);
  });
});
