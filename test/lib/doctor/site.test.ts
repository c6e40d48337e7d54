import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { loadDaemon } from '../../../src/daemons/registry.ts';
import { chooseChecks, examineSite } from '../../../src/lib/doctor/doctor.ts';
import type { RunningDaemon } from '../../../src/lib/http/daemon.ts';
import { addMachine, changeMachines, removeMachines } from '../../../src/lib/mdb/machines.ts';
import { loadSite, servicePort, SERVICES } from '../../../src/lib/site/site.ts';
import { prolo } from '../../support/cli.ts';
import { dig, type Named, namedPackages, startNamed } from '../../support/named.ts';
import { needs } from '../../support/needs.ts';
import { freePortBase, makeTestSite, type TestSite } from '../../support/site.ts';
import { alter, complaints, doctor } from './support.ts';

const NETWORKS = {
  networks: [{ name: 'lan', cidr: '127.8.0.0/23', role: 'machines', gateway: '127.8.1.254' }],
  pools: { user: '127.8.0.1-127.8.0.253', orga: 'user', service: '127.8.1.1-127.8.1.253', cluster: 'user' },
};
const MACHINES = 150;

describe('the doctor at a site of 150 machines with real daemons and a real named', function () {
  this.timeout(60_000);
  let test: TestSite;
  let file: string;
  let named: Named | undefined;
  const daemons = new Map<string, RunningDaemon>();

  const startDaemon = async (name: string): Promise<void> => {
    const { start, number } = await loadDaemon(name);
    daemons.set(name, await start(number === undefined ? test.context : { ...test.context, number }));
  };
  const stopDaemon = async (name: string): Promise<void> => {
    await daemons.get(name)?.close();
    daemons.delete(name);
  };
  const ask = (name: string) => doctor(file, name);
  async function until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
    for (let tries = 0; !(await done()); tries++) {
      if (tries > 300) throw new Error(`not in time: ${what}`);
      await sleep(50);
    }
  }
  const port = (): number => test.site.config.dns.port;
  const answers = async (host: string, ip: string): Promise<void> =>
    until(`${host} is ${ip}`, async () => (await dig(port(), `${host}.prolo`)).join() === ip);

  before(async function () {
    needs(this, namedPackages);
    const free = await freePortBase();
    const dns = { listen: ['127.0.0.1'], port: free, controlPort: free + 1 };
    test = await makeTestSite({ ...NETWORKS, dns, netboot: { bootUrl: '{netboot}/files' } });
    file = test.site.file;
    const store = await test.store();
    const mac = (n: number): string => `02:00:00:00:00:${n.toString(16).padStart(2, '0')}`;
    const seat = (i: number) => ({ hostname: `pc${i + 1}`, mac: mac(i + 1), ip: `127.8.0.${i + 1}` });
    const server = { hostname: 'server', mac: mac(0), mtype: 'service', ip: '127.8.1.1', aliases: ['rfs0'] };
    const inputs = [server, ...Array.from({ length: MACHINES - 1 }, (_, i) => seat(i))];
    await changeMachines(store, test.site.config, 'test', () => ({
      wishes: inputs.map((input) => ({ input })),
    }));
    for (const name of SERVICES.filter((one) => one !== 'hfs')) await startDaemon(name);
    await startDaemon('mdbdns');
    const dir = test.site.statePath('dns');
    await until('named.conf', () => existsSync(join(dir, 'named.conf')));
    named = await startNamed(dir);
    await answers('pc149', '127.8.0.149');
  });
  after(async () => {
    await named?.stop();
    for (const name of [...daemons.keys()].reverse()) await stopDaemon(name);
    await test?.remove();
  });

  it('a healthy site: nothing is red, and it takes less than 10 s', async () => {
    const startedMs = performance.now();
    // For the others there are no servers here: test/e2e/doctor.test.ts has all.
    const names = [
      'services',
      'secrets',
      'database',
      'feeds',
      'dns',
      'rfs',
      'disk',
      'raid',
      'addresses',
      'backup',
    ];
    const outcomes = await examineSite(() => Promise.resolve(test.site), chooseChecks(names));
    expect(performance.now() - startedMs).to.be.below(10_000);
    const red = outcomes.filter(({ colour }) => colour === 'red');
    expect(red).to.deep.equal([]);
    for (const name of ['services', 'secrets', 'database', 'feeds', 'dns', 'rfs'])
      expect(outcomes.find((one) => one.name === name)).to.include({ colour: 'green' });
    expect(outcomes[0]!.findings[0]!.what).to.match(/^\d+ daemons answer, prolo \d+\.\d+\.\d+$/);
    expect(outcomes.find(({ name }) => name === 'dns')!.findings[0]!.what).to.match(/^151 names and 150 /);
  });

  it('a daemon that is stopped', async () => {
    await stopDaemon('udb');
    try {
      expect(complaints(await ask('services'))).to.deep.equal([
        `red: udb: not running (http://127.0.0.1:${servicePort(test.site.config, 'udb')})`,
      ]);
    } finally {
      await startDaemon('udb');
    }
    expect(complaints(await ask('services'))).to.deep.equal([]);
  });

  it('a daemon that hangs holds nobody up', async () => {
    await stopDaemon('sso');
    const mute = createServer(() => undefined);
    await new Promise<void>((done) =>
      mute.listen(servicePort(test.site.config, 'sso'), '127.0.0.1', () => done()),
    );
    try {
      const outcome = await ask('services');
      expect(complaints(outcome).join()).to.match(/^red: sso: no answer in 3 s/);
      expect(outcome.ms).to.be.below(8_000);
    } finally {
      mute.close();
      await startDaemon('sso');
    }
  });

  it('secrets that others may read, and one that is missing', async () => {
    const secrets = join(test.dir, 'secrets.yml');
    chmodSync(secrets, 0o644);
    const open = await ask('secrets');
    chmodSync(secrets, 0o600);
    expect(complaints(open)).to.deep.equal([`red: ${secrets}: mode 0644: others may read it`]);
    expect(open.findings[0]!.fix).to.equal(`chmod 600 ${secrets}`);
    const text = readFileSync(secrets, 'utf8');
    writeFileSync(secrets, text.replace(/^ssh\.pcs: .*\n/m, ''));
    const missing = await ask('secrets');
    writeFileSync(secrets, text);
    expect(complaints(missing)).to.deep.equal(['yellow: secrets: without ssh.pcs']);
    chmodSync(join(test.dir, 'prolo.db'), 0o640);
    const database = await ask('secrets');
    chmodSync(join(test.dir, 'prolo.db'), 0o600);
    expect(complaints(database).join()).to.match(/prolo\.db: mode 0640/);
  });

  it('a prolo.yml that is wrong', async () => {
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, `${text}\nroms: {}\n`);
    const load = () => Promise.resolve().then(() => loadSite(file));
    const outcomes = await examineSite(load, chooseChecks([])).finally(() => writeFileSync(file, text));
    expect(outcomes).to.have.lengthOf(1);
    expect(outcomes[0]).to.include({ name: 'config', colour: 'red' });
    expect(outcomes[0]!.findings[0]!.what).to.match(/roms/);
  });

  it('a database that is gone is one red thing; the rest could not be looked at', async () => {
    const path = join(test.dir, 'prolo.db');
    renameSync(path, `${path}.away`);
    const [database, dns] = await Promise.all([ask('database'), ask('dns')]);
    renameSync(`${path}.away`, path);
    expect(complaints(database).join()).to.match(/^red: database sqlite:.*: not there/);
    expect(complaints(dns).join()).to.match(/^yellow: not checked: MDB cannot be read/);
  });

  it('a schema that is older, and is left so', async () => {
    await alter(file, "update migrations set name = '000-old' where name = '001-core'");
    const later = await ask('database');
    await alter(file, "update migrations set name = '001-core' where name = '000-old'");
    expect(complaints(later).join()).to.match(/^red: database: step 000-old/);
    await alter(file, "delete from migrations where name = '001-core'");
    const older = await ask('database');
    await alter(file, "insert into migrations (name) values ('001-core')");
    expect(complaints(older).join()).to.match(/its schema lacks 001-core/);
    expect(complaints(await ask('database'))).to.deep.equal([]);
  });

  it('a feed that says otherwise than the database, and one that is not there', async () => {
    await alter(file, "update machines set room = 'alt' where hostname = 'pc9'");
    const behind = await ask('feeds');
    await alter(file, "update machines set room = 'pasteur' where hostname = 'pc9'");
    expect(complaints(behind)).to.deep.equal([
      'red: mdbsync: not as in the database, of 150 records 1: 02:00:00:00:00:09',
    ]);
    await stopDaemon('rfssync');
    const gone = await ask('feeds').finally(() => startDaemon('rfssync'));
    expect(complaints(gone).join()).to.match(/^red: rfssync: .*ECONNREFUSED/);
    expect(complaints(await ask('feeds'))).to.deep.equal([]);
  });

  it('a boot file with other bytes than its version’s manifest says', async () => {
    const boot = test.site.statePath('boot/1');
    mkdirSync(boot, { recursive: true });
    const write = (name: string, text: string): object => {
      writeFileSync(join(boot, name), text);
      return { bytes: text.length, sha256: createHash('sha256').update(text).digest('hex') };
    };
    const none = { bytes: 0, sha256: '0'.repeat(64) };
    const files = {
      vmlinuz: write('vmlinuz', 'a kernel'),
      'initrd.img': write('initrd.img', 'an initramfs'),
      'root.img': none,
      'root.verity': none,
    };
    const { knex } = await test.store();
    const manifest = JSON.stringify({ version: 1, rootHash: '0'.repeat(64), files });
    await knex('rfs_versions').insert({ version: 1, manifest });
    await knex('rfs_boots').insert({ rfs: 0, version: 1 });
    try {
      expect(complaints(await ask('boot'))).to.deep.equal([]);
      writeFileSync(join(boot, 'initrd.img'), 'an Initramfs');
      const wrong = await ask('boot');
      expect(complaints(wrong).join()).to.match(
        /^red: http:\S+\/files\/1\/initrd\.img: not the file of version 1: its hash is another$/,
      );
      expect(wrong.findings[0]!.fix).to.equal('prolo rfs verify 1 --repair');
    } finally {
      await knex('rfs_boots').delete();
      await knex('rfs_versions').delete();
    }
  });

  it('a backup that is old, and none', async () => {
    expect(complaints(await ask('backup'))).to.deep.equal(['yellow: there is none yet']);
    const { knex } = await test.store();
    const at = new Date(Date.now() - 9 * 24 * 3_600_000).toISOString();
    await knex('audit').insert({ at, actor: 'test', action: 'site backup', details: 'x' });
    expect(complaints(await ask('backup'))).to.deep.equal(['red: 9 days ago']);
    const passphrase = join(test.dir, 'passphrase');
    writeFileSync(passphrase, 'correct horse battery staple\n', { mode: 0o600 });
    const made = await prolo(
      ['site', 'backup', join(test.dir, 'site.prolo'), '--passphrase-file', passphrase],
      {
        config: file,
      },
    );
    expect(made.status, made.stderr).to.equal(0);
    expect(complaints(await ask('backup'))).to.deep.equal([]);
  });

  it('a zone that lacks a machine, and one that lacks its reverse', async () => {
    await stopDaemon('mdbdns');
    try {
      await addMachine(await test.store(), test.site.config, 'test', {
        hostname: 'late',
        mac: '02:00:00:00:99:01',
        ip: '127.8.0.200',
      });
      const outcome = await ask('dns');
      expect(complaints(outcome)).to.deep.equal([
        `red: late: no address (ENOTFOUND) at 127.0.0.1:${port()}`,
        `red: late: no reverse name (ENOTFOUND) at 127.0.0.1:${port()}`,
      ]);
      expect(outcome.findings[0]!.fix).to.match(/mdbdns/);
    } finally {
      await removeMachines(await test.store(), test.site.config, 'test', ['late']);
      await startDaemon('mdbdns');
    }
  });

  it('a name that has another machine’s address', async () => {
    await alter(file, "update machines set ip = '127.8.0.201' where hostname = 'pc7'");
    const outcome = await ask('dns');
    await alter(file, "update machines set ip = '127.8.0.7' where hostname = 'pc7'");
    expect(complaints(outcome)[0]).to.equal(
      `red: pc7: named says 127.8.0.7 in place of 127.8.0.201 at 127.0.0.1:${port()}`,
    );
    expect(complaints(await ask('dns'))).to.deep.equal([]);
  });

  it('a named that is not running', async () => {
    await named!.stop();
    try {
      const outcome = await ask('dns');
      expect(complaints(outcome)).to.deep.equal([`red: named at 127.0.0.1:${port()}: not running`]);
      expect(outcome.ms).to.be.below(8_000);
    } finally {
      named = await startNamed(test.site.statePath('dns'));
    }
  });
});
