import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { prolo, proloBin } from '../support/cli.ts';
import { freePortBase, makeTestSite } from '../support/site.ts';

describe('prolo site', function () {
  this.timeout(90_000);
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'prolo-site-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('init --sample makes 140 machines, 10 switches and 120 users, secrets that only root reads, and no second site', async () => {
    const demo = join(dir, 'demo');
    expect((await prolo(['site', 'init', demo, '--sample', '--json'])).stdout)
      .to.include('"machines": 140')
      .and.include('"switches": 10')
      .and.include('"users": 120');
    expect(statSync(join(demo, 'secrets.yml')).mode & 0o777).to.equal(0o600);
    expect(parse(readFileSync(join(demo, 'secrets.yml'), 'utf8'))).to.have.keys(
      'mdbsync.publish',
      'mdbsync.subscribe',
      'udbsync.publish',
      'udbsync.subscribe',
      'udbsync.seats',
      'presencesync.publish',
      'presencesync.subscribe',
      'udb.private',
      'hfs.shared',
      'hfs.control',
      'hfs.backup',
      'passwords.key',
      'rfssync.publish',
      'rfssync.subscribe',
      'contestsync.publish',
      'contestsync.subscribe',
      'ssh.pcs',
      'rfs.sign',
    );
    const config = join(demo, 'prolo.yml');
    expect(JSON.parse((await prolo(['mdb', 'list', '--json'], { config })).stdout)).to.have.length(140);
    expect((await prolo(['site', 'init', demo])).status).to.equal(5);
  });

  it('init that was killed can be repeated, and then is whole', async () => {
    const demo = join(dir, 'demo');
    for (const afterMs of [150, 350, 700, 1100]) {
      const child = spawn(process.execPath, [proloBin, 'site', 'init', demo, '--sample'], {
        stdio: 'ignore',
      });
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      if (existsSync(join(demo, 'prolo.yml'))) break;
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('exit', resolve));
    }
    if (!existsSync(join(demo, 'prolo.yml')))
      expect((await prolo(['site', 'init', demo, '--sample'])).status).to.equal(0);
    const config = join(demo, 'prolo.yml');
    expect(JSON.parse((await prolo(['mdb', 'list', '--json'], { config })).stdout)).to.have.length(140);
    expect(JSON.parse((await prolo(['udb', 'list', '--json'], { config })).stdout)).to.have.length(120);
  });

  it('export gives a host the secrets of its role alone, and such a host lists MDB over HTTP', async () => {
    const test = await makeTestSite();
    renameSync(join(test.dir, 'secrets.yml'), join(test.dir, 'hidden.yml'));
    appendFileSync(test.site.file, 'secrets: hidden.yml\n');
    const up = spawn(process.execPath, [proloBin, 'daemon', 'mdb', '--config', test.site.file], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      await new Promise((resolve) => up.stdout.once('data', resolve));
      await prolo(
        ['mdb', 'add', '--hostname', 'rhfs01', '--mac', '52:54:00:00:00:01', '--mtype', 'service'],
        { config: test.site.file },
      );
      const out = join(dir, 'rhfs01');
      expect(
        (
          await prolo(['site', 'export', '--role', 'rhfs', '--host', 'rhfs01', '--out', out], {
            config: test.site.file,
          })
        ).status,
      ).to.equal(0);
      expect(parse(readFileSync(join(out, 'secrets.yml'), 'utf8'))).to.have.keys(
        'mdbsync.subscribe',
        'udbsync.subscribe',
        'presencesync.subscribe',
        'hfs.shared',
        'hfs.control',
        'hfs.backup',
      );
      expect(statSync(join(out, 'secrets.yml')).mode & 0o777).to.equal(0o600);
      const config = join(out, 'prolo.yml');
      expect(parse(readFileSync(config, 'utf8'))).to.not.have.property('secrets');
      expect(JSON.parse((await prolo(['mdb', 'list', '--json'], { config })).stdout)).to.have.length(1);
      const write = await prolo(['mdb', 'rm', 'rhfs01', '--yes'], { config });
      expect(write.status).to.equal(3);
      expect(write.stderr).to.include('only the gateway (gw) opens it');
      expect(
        (await prolo(['site', 'export', '--role', 'rhfs', '--host', 'nobody'], { config: test.site.file }))
          .status,
      ).to.equal(4);
    } finally {
      up.kill('SIGKILL');
      await test.remove();
    }
  });

  it('log shows who changed what and who looked at passwords, the newest last', async () => {
    const test = await makeTestSite();
    try {
      const config = test.site.file;
      await prolo(['mdb', 'add', '--hostname', 'pas-r01p01', '--mac', '52:54:00:00:00:01'], { config });
      await prolo(['udb', 'add', 'akim'], { config });
      await prolo(['udb', 'password', 'akim'], { config });
      const log = async (...args: string[]) =>
        JSON.parse((await prolo(['site', 'log', '--json', ...args], { config })).stdout) as {
          source: string;
          what: string;
        }[];
      const all = await log();
      expect(all.map(({ source }) => source)).to.deep.equal(['mdb', 'udb', 'audit']);
      expect(all[0]!.what).to.equal('update pas-r01p01');
      expect(all[2]!.what).to.include('akim');
      expect(await log('--of', 'mdb')).to.have.length(1);
      expect(await log('--last', '1')).to.deep.equal(all.slice(-1));
    } finally {
      await test.remove();
    }
  });

  it('backup and restore bring the site to another folder, while it runs', async () => {
    const demo = join(dir, 'demo');
    await prolo(['site', 'init', demo, '--sample', '--port-base', String(await freePortBase())]);
    const passphrase = join(dir, 'passphrase');
    writeFileSync(passphrase, 'correct horse\n', { mode: 0o600 });
    const file = join(dir, 'site.prolo');
    const config = join(demo, 'prolo.yml');
    expect(
      (await prolo(['site', 'backup', file, '--passphrase-file', passphrase], { config })).status,
    ).to.equal(0);
    const other = join(dir, 'other');
    writeFileSync(passphrase, 'correct horse\r\n'); // from another editor
    expect((await prolo(['site', 'restore', file, other, '--passphrase-file', passphrase])).status).to.equal(
      0,
    );
    const list = async (from: string) =>
      (await prolo(['mdb', 'list', '--json'], { config: join(from, 'prolo.yml') })).stdout;
    expect(await list(other)).to.equal(await list(demo));
  });

  it('is found by --config, PROLO_CONFIG and ./prolo.yml; without one, the way out is said', async () => {
    const nowhere = await prolo(['mdb', 'list'], { cwd: dir });
    expect(nowhere.status).to.equal(3);
    expect(nowhere.stderr).to.include('prolo site init');
    await prolo(['site', 'init', dir]);
    expect((await prolo(['mdb', 'list'], { cwd: dir })).status).to.equal(0);
    expect((await prolo(['mdb', 'list', '--config', join(dir, 'prolo.yml')])).status).to.equal(0);
    writeFileSync(join(dir, 'prolo.yml'), 'database: sqlite:x\ncolour: red\n');
    const bad = await prolo(['mdb', 'list'], { cwd: dir });
    expect(bad.status).to.equal(3);
    expect(bad.stderr).to.include('colour: unknown key');
  });
});
