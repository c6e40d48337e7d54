import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { prolo } from '../support/cli.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

describe('prolo mdb', function () {
  this.timeout(60_000);
  let test: TestSite;
  beforeEach(async () => (test = await makeTestSite()));
  afterEach(() => test.remove());
  const run = (...args: string[]) => prolo(['mdb', ...args], { config: test.site.file });
  const add = (n: number, ...more: string[]) =>
    run('add', '--hostname', `pas-r01p0${n}`, '--mac', `52:54:00:00:00:0${n}`, '--room', 'pasteur', ...more);

  it('add, list, show, set, faulty and rm a machine', async () => {
    expect(await add(1, '--aliases', 'one')).to.deep.include({
      status: 0,
      stdout: 'pas-r01p01  192.168.0.1  52:54:00:00:00:01\n',
    });
    expect((await run('show', 'one', '--json')).stdout).to.include('"hostname": "pas-r01p01"');
    expect((await run('set', 'pas-r01p01', '--rfs', '2')).stdout).to.equal('~ pas-r01p01  rfs 0 -> 2\n');
    expect((await run('faulty', 'pas-r01p01', '--reason', 'no\nkeyboard')).stdout).to.equal(
      'pas-r01p01: faulty: no keyboard\n',
    );
    expect((await run('list', '@faulty', '--json')).stdout).to.include('"is_faulty_details": "no keyboard"');
    expect((await run('faulty', 'pas-r01p01', '--clear')).stdout).to.equal('pas-r01p01: not faulty\n');
    expect(await run('rm', 'pas-r01p01')).to.deep.include({ status: 2 });
    expect((await run('rm', 'pas-r01p01', '--dry-run')).stdout).to.include('- pas-r01p01');
    expect((await run('rm', 'pas-r01p01', '--yes')).status).to.equal(0);
    expect(JSON.parse((await run('list', '--json')).stdout)).to.deep.equal([]);
  });

  it('add refuses what clashes, by name, with a status of its own', async () => {
    await add(1);
    const clash = await add(2, '--aliases', 'PAS-R01P01');
    expect(clash.status).to.equal(5);
    expect(clash.stderr).to.include("name pas-r01p01 is pas-r01p01's");
    const underscore = await run('add', '--hostname', 'a_b', '--mac', '52:54:00:00:00:09');
    expect(underscore.status).to.equal(2);
    expect(underscore.stderr).to.include('"a_b" is not a DNS name');
    const json = await run('add', '--hostname', 'a_b', '--mac', '52:54:00:00:00:09', '--json');
    expect(JSON.parse(json.stdout)).to.have.nested.property('error.kind', 'bad-input');
    expect(json.status).to.equal(2);
  });

  it('add --update changes the machine of that hostname', async () => {
    await add(1);
    expect(
      (await run('add', '--hostname', 'pas-r01p01', '--mac', '52:54:00:00:00:77', '--update')).status,
    ).to.equal(0);
    const machines = JSON.parse((await run('list', '--json')).stdout) as unknown[];
    expect(machines).to.have.length(1);
    expect(machines[0]).to.include({ mac: '52:54:00:00:00:77', ip: '192.168.0.1' });
  });

  it('export imports back unchanged, as CSV and as YAML; a dry run changes nothing; a bad line undoes all', async () => {
    await add(1);
    await add(2, '--aliases', 'a,b');
    for (const format of ['csv', 'yaml']) {
      const file = join(test.dir, `machines.${format}`);
      writeFileSync(file, (await run('export', '--format', format)).stdout);
      expect((await run('import', file)).stderr).to.equal('0 added, 0 changed, 0 removed\n');
    }
    const file = join(test.dir, 'machines.csv');
    writeFileSync(file, readFileSync(file, 'utf8').replace('pas-r01p02', 'pas-r01p03'));
    const dry = await run('import', file, '--dry-run');
    expect(dry.stdout).to.equal('~ pas-r01p02  hostname pas-r01p02 -> pas-r01p03\n');
    expect(dry.stderr).to.include('dry run, nothing was done');
    const json = await run('import', file, '--dry-run', '--json');
    const { updated } = JSON.parse(json.stdout) as { updated: { after: object }[] };
    expect(updated[0]!.after).to.include({ hostname: 'pas-r01p03' }).and.not.have.any.keys('id', 'boot_once');
    expect((await run('list', '--fold')).stdout).to.equal('pas-r01p[01-02]\n');
    writeFileSync(file, 'hostname,mac\nnew,52:54:00:00:00:05\nbad_name,52:54:00:00:00:06\n');
    expect((await run('import', file)).status).to.equal(2);
    expect((await run('list', '--fold')).stdout).to.equal('pas-r01p[01-02]\n');
  });

  it('switches, pools and settings', async () => {
    expect(
      (
        await run(
          'switch',
          'add',
          'sw-pas-1',
          '--chassis',
          '68:b5:99:9f:45:40',
          '--rfs',
          '3',
          '--room',
          'pasteur',
        )
      ).status,
    ).to.equal(0);
    expect(JSON.parse((await run('switch', 'list', '--json')).stdout)).to.deep.equal([
      { name: 'sw-pas-1', chassis: '68:b5:99:9f:45:40', rfs: 3, hfs: 3, room: 'pasteur' },
    ]);
    expect((await run('switch', 'rm', 'sw-pas-1', '--yes')).status).to.equal(0);
    expect((await run('switch', 'rm', 'sw-pas-1', '--yes')).status).to.equal(4);
    expect(JSON.parse((await run('pool', '--json')).stdout)).to.have.nested.property('[0].free', 253);
    expect((await run('setting', 'allow_self_registration', 'maybe')).status).to.equal(2);
    expect((await run('setting', 'allow_self_registration', 'true')).status).to.equal(0);
    expect(JSON.parse((await run('setting', '--json')).stdout)).to.deep.equal({
      allow_self_registration: 'true',
    });
  });

  it('selects with node sets, and names what is not there', async () => {
    for (const n of [1, 2, 3]) await add(n);
    expect((await run('list', 'pas-r01p[01-03]!pas-r01p02', '--fold')).stdout).to.equal('pas-r01p[01,03]\n');
    const unknown = await run('list', 'pas-r09p01');
    expect(unknown.status).to.equal(4);
    expect(unknown.stderr).to.include('pas-r09p01');
  });
});
