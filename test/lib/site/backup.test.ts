import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { addMachine, listMachines } from '../../../src/lib/mdb/machines.ts';
import { backupSite, restoreSite } from '../../../src/lib/site/backup.ts';
import { parseConfig } from '../../../src/lib/site/parse.ts';
import { databaseUrl, loadSite } from '../../../src/lib/site/site.ts';
import { changesAfter } from '../../../src/lib/store/change-log.ts';
import { dumpStore, loadDump } from '../../../src/lib/store/dump.ts';
import { openStore } from '../../../src/lib/store/store.ts';
import { rejection } from '../../support/rejection.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';
import { onBothStores } from '../../support/stores.ts';

const pc = { hostname: 'pas-r01p01', mac: '52:54:00:00:00:01' };

describe('a backup of a site', function () {
  let test: TestSite;
  let file: string;
  beforeEach(async () => {
    test = await makeTestSite();
    file = join(test.dir, 'site.prolo');
    await addMachine(await test.store(), test.site.config, 'test', { ...pc, aliases: ['a', 'b'] });
    await backupSite(test.site, await test.store(), file, 'correct horse', new Date(0));
  });
  afterEach(() => test.remove());

  it('restored elsewhere has the same machines, secrets, config and change log', async () => {
    const dir = join(test.dir, 'elsewhere');
    expect(await restoreSite(file, dir, 'correct horse')).to.include({
      machines: 1,
      at: '1970-01-01T00:00:00.000Z',
    });
    const site = loadSite(join(dir, 'prolo.yml'));
    const store = await openStore(databaseUrl(site));
    try {
      expect(await listMachines(store.knex)).to.deep.equal(await listMachines((await test.store()).knex));
      expect(await changesAfter(store, 'mdb', 0)).to.deep.equal(
        await changesAfter(await test.store(), 'mdb', 0),
      );
      expect(site.secret('passwords.key')).to.equal(test.site.secret('passwords.key'));
      expect(statSync(join(dir, 'secrets.yml')).mode & 0o777).to.equal(0o600);
      await addMachine(store, site.config, 'test', { hostname: 'pas-r01p02', mac: '52:54:00:00:00:02' });
    } finally {
      await store.close();
    }
  });

  it('says nothing without the passphrase, shows no secret, and nobody else may read it', async () => {
    expect(await rejection(restoreSite(file, join(test.dir, 'x'), 'wrong horse'))).to.include({
      kind: 'bad-input',
    });
    const text = readFileSync(file, 'latin1');
    expect(text).to.not.include(test.site.secret('passwords.key')).and.not.include('pas-r01p01');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
  });

  it('with one byte changed, or cut short, is refused', async () => {
    const bytes = readFileSync(file);
    for (const at of [3, 20, 80, bytes.length - 1]) {
      const bad = Buffer.from(bytes);
      bad[at]! ^= 1;
      writeFileSync(file, bad);
      expect(await rejection(restoreSite(file, join(test.dir, 'x'), 'correct horse'))).to.include({
        kind: 'bad-input',
      });
    }
    writeFileSync(file, bytes.subarray(0, 90));
    expect(await rejection(restoreSite(file, join(test.dir, 'x'), 'correct horse'))).to.include({
      kind: 'bad-input',
    });
  });

  it('overwrites no other secrets, wherever the config says they are; a file that is not there is said to be', async () => {
    const dir = join(test.dir, 'half');
    mkdirSync(dir);
    writeFileSync(join(dir, 'secrets.yml'), 'hfs.shared: of-a-site-that-runs\n');
    expect(await rejection(restoreSite(file, dir, 'correct horse'))).to.include({ kind: 'conflict' });
    expect(readFileSync(join(dir, 'secrets.yml'), 'utf8')).to.include('of-a-site-that-runs');
    expect(await rejection(restoreSite(join(dir, 'none'), dir, 'x'))).to.include({ kind: 'not-found' });
  });

  it('never overwrites a site', async () => {
    expect(await rejection(restoreSite(file, test.dir, 'correct horse'))).to.include({ kind: 'conflict' });
  });
});

onBothStores('a dump of the database', (fresh) => {
  it('loads into an empty one, which then goes on counting, and into no other', async () => {
    const [from, to] = [await fresh(), await fresh()];
    const config = parseConfig('', 'prolo.yml');
    await addMachine(from, config, 'test', pc);
    const dump = JSON.parse(JSON.stringify(await dumpStore(from))) as Awaited<ReturnType<typeof dumpStore>>;
    await loadDump(to, dump);
    expect(await listMachines(to.knex)).to.deep.equal(await listMachines(from.knex));
    const next = await addMachine(to, config, 'test', { hostname: 'pas-r01p02', mac: '52:54:00:00:00:02' });
    expect(next.id).to.equal(2);
    expect((await changesAfter(to, 'mdb', 0)).map(({ seq }) => seq)).to.deep.equal([1, 2]);
    expect(await rejection(loadDump(to, dump))).to.include({ kind: 'conflict' });
  });
});
