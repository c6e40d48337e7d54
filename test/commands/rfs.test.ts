import { expect } from 'chai';
import { changeMachines } from '../../src/lib/mdb/machines.ts';
import { noteCopy } from '../../src/lib/rfs/copies.ts';
import { addVersion, switchBoots } from '../../src/lib/rfs/table.ts';
import { prolo } from '../support/cli.ts';
import { manifestOf } from '../support/rfs.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

describe('prolo rfs', function () {
  this.timeout(60_000);
  let test: TestSite;
  const run = (...args: string[]) => prolo(['rfs', ...args], { config: test.site.file });
  before(async () => {
    test = await makeTestSite();
  });
  after(() => test?.remove());

  it('status and rollback, before there is a version and after', async () => {
    expect((await run('status')).stdout).to.contain('no version yet');
    const none = await run('rollback');
    expect(none.status).to.equal(4);
    expect(none.stderr).to.contain('version before this one: there is none');

    const store = await test.store();
    await changeMachines(store, test.site.config, 'test', () => ({
      wishes: [
        {
          input: {
            hostname: 'rhfs01',
            mac: '52:54:00:00:00:01',
            mtype: 'service',
            aliases: ['rfs0', 'rfs1'],
          },
        },
        { input: { hostname: 'pc1', mac: '52:54:00:00:00:02', rfs: 1 } },
      ],
    }));
    for (const version of [1, 2]) {
      await addVersion(store, 'root@gw', manifestOf(version));
      await noteCopy(store, { hostname: 'rhfs01', version });
    }
    await switchBoots(store, 'root@gw', { rfs: [0, 1], version: 2 });
    const { stdout } = await run('status');
    expect(stdout).to.match(/^2 .*rfs\[0-1\] .*number 2$/m);
    expect(stdout).to.match(/^1 .*number 1$/m);
    expect((await run('rollback')).stdout).to.equal(
      'version 1: booted from now on by the machines of rfs 0, 1\n',
    );
    expect((await run('status')).stdout).to.match(/^1 .*rfs\[0-1\]/m);
    const { stdout: log } = await prolo(['site', 'log', '--of', 'audit'], { config: test.site.file });
    expect(log).to.contain('rfs switch');
  });

  it('a tag is a version wherever one is named, and is shown', async () => {
    expect((await run('tag', '2', 'finals')).stdout).to.equal('finals: version 2\n');
    expect((await run('tag')).stdout).to.match(/^finals +2$/m);
    expect((await run('status', '--no-servers')).stdout).to.match(/^2 .* 1\/1 .* finals +number 2$/m);
    expect((await run('rollback', 'finals')).stdout).to.match(/^version 2: booted/);
    const wrong = await run('rollback', 'semifinals');
    expect(wrong.status).to.equal(4);
    expect(wrong.stderr).to.contain('tags: finals');
    expect((await run('prune', 'finals', '--yes')).stderr).to.contain('booted by the machines of rfs[0-1]');
    expect((await run('tag', '--rm', 'finals')).stdout).to.contain('names no version any more');
  });

  it('status is told to programs whole', async () => {
    const { stdout } = await run('status', '--no-servers', '--json');
    const { versions, servers, behind, silent } = JSON.parse(stdout) as Record<string, unknown[]>;
    expect(versions!.map((one) => (one as { version: number }).version)).to.deep.equal([2, 1]);
    expect(versions![0]).to.deep.include({ servers: { rhfs01: 'there' }, bootedBy: [0, 1], runBy: [] });
    expect([servers!.length, behind, silent]).to.deep.equal([1, [], ['pc1']]);
  });

  it('a server that does not answer is a question mark, and no wait', async () => {
    const { status, stdout } = await run('status');
    expect(status).to.equal(0);
    expect(stdout).to.match(/^\? server rhfs01: /m);
  });

  it('exports takes no word that its server would not follow', async () => {
    const nfs = await run('exports', '--nfs', '--address', '192.168.0.1');
    expect(nfs.stderr).to.contain('--nfs knows no --address');
    const nginx = await run('exports', '--nginx', '--address', '0.0.0.0:80; include /etc/shadow');
    expect(nginx.stderr).to.contain('no IPv4 address');
    expect([nfs.status, nginx.status]).to.deep.equal([2, 2]);
  });

  it('commit says that there is no staging', async () => {
    const { status, stderr } = await run('commit', '-m', 'first');
    expect(status).to.equal(4);
    expect(stderr).to.match(/staging .*No such file/);
  });
});
