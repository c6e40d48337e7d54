import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { prolo } from '../support/cli.ts';
import { start } from '../../src/daemons/udb.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

interface Shown {
  login: string;
  uid: number;
  group: string;
}

describe('prolo udb', function () {
  this.timeout(60_000);
  let test: TestSite;
  beforeEach(async () => (test = await makeTestSite()));
  afterEach(() => test.remove());
  const run = (...args: string[]) => prolo(['udb', ...args], { config: test.site.file });
  const feed = (input: string, ...args: string[]) =>
    prolo(['udb', ...args], { config: test.site.file, input });
  const file = (name: string, text: string | Buffer): string => {
    writeFileSync(join(test.dir, name), text);
    return join(test.dir, name);
  };
  const list = async () => JSON.parse((await run('list', '--json')).stdout) as Shown[];

  it('add, list, show, set and rm a user', async () => {
    expect(await run('add', 'JDoe', '--firstname', 'Jane', '--lastname', 'Doe')).to.deep.include({
      status: 0,
      stdout: 'jdoe  10000  user\n',
    });
    expect((await run('add', 'boss', '--type', 'root')).stdout).to.equal('boss  12000  root\n');
    expect((await run('list')).stdout.split('\n')[1]).to.match(/^boss +12000 +root +boss +\/bin\/bash +no$/);
    expect((await run('list', '--group', 'user', '--json')).stdout)
      .to.include('"jdoe"')
      .and.not.to.include('"boss"');
    const shown = await run('show', 'jdoe');
    expect(shown.stdout)
      .to.match(/^firstname +Jane$/m)
      .and.not.to.include('$6$');
    expect(JSON.parse((await run('show', 'jdoe', '--json')).stdout)).to.have.keys(
      'id login firstname lastname uid group shell ssh_key'.split(' '),
    );
    expect((await run('set', 'jdoe', '--shell', '/bin/zsh')).stdout).to.equal(
      '~ jdoe  shell /bin/bash -> /bin/zsh\n',
    );
    expect((await run('set', 'jdoe')).stderr).to.include('nothing to set');
    expect(await run('rm', 'jdoe', 'boss')).to.deep.include({ status: 2 });
    expect((await run('rm', 'jdoe', 'boss', '--dry-run')).stdout).to.equal(
      '- boss  12000  root  boss\n- jdoe  10000  user  Jane Doe\n',
    );
    expect((await run('rm', 'jdoe', 'nobody-here', '--yes')).status).to.equal(4);
    expect((await run('rm', 'jdoe', '--yes')).status).to.equal(0);
    expect((await list()).map(({ login }) => login)).to.deep.equal(['boss']);
  });

  it('add refuses reserved logins and bad keys, and takes a password from a file or standard input only', async () => {
    const refused = await run('add', 'root');
    expect(refused).to.include({ status: 2 });
    expect(refused.stderr).to.include('user root: login is reserved');
    const key = file('key.pub', 'command="x" ssh-rsa AAAA\n');
    expect((await run('add', 'jdoe', '--ssh-key', key)).stderr).to.include('ssh key');
    expect((await run('add', 'jdoe', '--ask-password')).stderr).to.include('nobody is at the terminal');
    expect((await run('add', 'jdoe', '--password', 'x')).status).to.equal(2);
    expect((await run('add', 'jdoe', '--password-file', file('p', 'pass word\r\n'))).status).to.equal(0);
    expect((await run('password', 'jdoe')).stdout).to.equal('pass word\n');
    expect((await feed('other\n', 'set', 'jdoe', '--password-file', '-')).stdout).to.equal(
      '~ jdoe  password\n',
    );
    expect((await run('password', 'JDOE', '--json')).stdout).to.include('"password": "other"');
  });

  it('password reads back, or makes another, and notes who asked', async () => {
    await run('add', 'jdoe', '--pwdlen', '20');
    const first = (await run('password', 'jdoe')).stdout;
    expect(first).to.match(/^[a-y3-9]{20}\n$/);
    const second = (await run('password', 'jdoe', '--new', '--pwdlen', '12')).stdout;
    expect(second).to.match(/^[a-y3-9]{12}\n$/);
    expect((await run('password', 'jdoe')).stdout).to.equal(second);
    expect(await run('password', 'nix')).to.deep.include({ status: 4, stdout: '' });
    const notes = (await (await test.store()).knex('audit').orderBy('id')) as {
      actor: string;
      details: string;
    }[];
    expect(notes.map(({ details }) => details)).to.deep.equal(['jdoe', 'jdoe', 'jdoe']);
    expect(notes[0]!.actor).to.match(/^\S+@\S+$/);
  });

  it('import takes names, logins, passwords and JSON, all or nothing, and shows what would change', async () => {
    const names = file('names.txt', '\uFEFFZoé Lefèvre\r\n# late\r\n\r\nJane Doe\r\nJohn Doe\r\n');
    const tried = await run('import', names, '--dry-run');
    expect(tried.stdout).to.equal(
      '+ zlefevre  10000  user  Zoé Lefèvre\n+ jdoe  10001  user  Jane Doe\n+ jdoe2  10002  user  John Doe\n',
    );
    expect(tried.stderr).to.include('dry run, nothing was done: 3 added');
    expect(await list()).to.deep.equal([]);
    expect((await run('import', names)).status).to.equal(0);
    expect((await run('import', names)).status).to.equal(5);
    expect((await run('import', names, '--ignore')).stderr).to.include(
      '0 added, 0 changed, 0 removed, 3 left as they are',
    );
    expect((await run('import', names, '--update')).stdout.split('\n')[0]).to.equal('~ zlefevre  password');

    const logins = await feed(
      'org1 pass-one\norg2 pass-two\n',
      'import',
      '--logins',
      '--passwords',
      '--type',
      'orga',
      '-',
    );
    expect(logins.stdout).to.equal('+ org1  11000  orga  org1\n+ org2  11001  orga  org2\n');
    expect((await run('password', 'org2')).stdout).to.equal('pass-two\n');

    const json = file(
      'users.json',
      JSON.stringify([
        { login: 'r1', group: 'root' },
        { login: 'org1', shell: '/bin/zsh' },
      ]),
    );
    const result = JSON.parse((await run('import', json, '--update', '--json')).stdout) as Record<
      string,
      Shown[]
    >;
    expect(result.created!.map(({ login }) => login)).to.deep.equal(['r1']);
    expect(result.updated![0]).to.deep.include({ login: 'org1', shell: '/bin/zsh', changed: ['shell'] });
    expect((await run('password', 'org1')).stdout).to.equal('pass-one\n');

    const before = await list();
    const printed = file('list.json', (await run('list', '--json')).stdout);
    expect((await run('import', printed, '--update')).stderr).to.include('0 added, 0 changed');
    const latin1 = await run('import', file('latin1.txt', Buffer.from('Jane Roe\nZo\xe9 Roe\n', 'latin1')));
    expect(latin1).to.include({ status: 2 });
    expect(latin1.stderr).to.include('line 2: not UTF-8');
    const bad = await run('import', file('bad.txt', 'ok\nroot\n'), '--logins');
    expect(bad.stderr).to.include('line 2: user root: login is reserved');
    expect((await run('import', names, '--update', '--ignore')).status).to.equal(2);
    expect(await list()).to.deep.equal(before);
  });

  it('sheet writes files that only their owner may read', async () => {
    await feed('Jane Doe\nAl Smith\n', 'import', '-');
    await feed('org1 pass-one\n', 'import', '--logins', '--passwords', '--type', 'orga', '-');
    const [csv, pdf] = [join(test.dir, 'sheet.csv'), join(test.dir, 'sheet.pdf')];
    expect((await run('sheet', '--type', 'user', '--out', csv)).status).to.equal(0);
    expect(readFileSync(csv, 'utf8').split('\n')[1]).to.match(/^jdoe,[a-y3-9]{8},Jane,Doe,user$/);
    expect((await run('sheet', '--out', pdf)).stderr).to.include('3 slip(s)');
    expect(readFileSync(pdf).subarray(0, 5).toString()).to.equal('%PDF-');
    for (const path of [csv, pdf]) expect(statSync(path).mode & 0o777, path).to.equal(0o600);
    expect((await run('sheet', 'org1')).stdout).to.include('password  pass-one');
    expect((await run('sheet', 'org1', '--format', 'csv')).stdout).to.equal(
      'login,password,firstname,lastname,group\norg1,pass-one,org1,,orga\n',
    );
    expect((await run('sheet', '--format', 'pdf')).stderr).to.include('name it with --out');
    expect(await run('sheet', '--type', 'root', '--out', join(test.dir, 'none.csv'))).to.include({
      status: 4,
    });
    expect(existsSync(join(test.dir, 'none.csv'))).to.equal(false);
  });

  it('list and show on a host without the database ask the udb daemon; what changes UDB says where to go', async () => {
    await feed('Jane Doe\nAl Smith\n', 'import', '-');
    const elsewhere = file(
      'elsewhere.yml',
      `portBase: ${test.site.config.portBase}\nserviceUrl: http://127.0.0.1:{port}\nsecrets: none.yml\n`,
    );
    const there = (...args: string[]) => prolo(['udb', ...args], { config: elsewhere });
    expect((await there('list')).status, 'no daemon yet').to.equal(8);
    const daemon = await start(test.context);
    try {
      expect(JSON.parse((await there('list', '--json')).stdout)).to.deep.equal(await list());
      expect((await there('show', 'jdoe')).stdout).to.match(/^lastname +Doe$/m);
      expect((await there('show', 'nix')).status).to.equal(4);
      const refused = await there('rm', 'jdoe', '--yes');
      expect(refused).to.include({ status: 3 });
      expect(refused.stderr).to.include('run the command there');
    } finally {
      await daemon.close();
    }
  });
});
