import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { prolo, proloBin } from '../support/cli.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

describe('prolo, typed by somebody who is tired', function () {
  this.timeout(60_000);
  let test: TestSite;
  before(async () => (test = await makeTestSite()));
  after(() => test.remove());
  const run = (...args: string[]) => prolo(args, { config: test.site.file });

  it('a command that is not there: what it may have meant, or where they are listed', async () => {
    const near = await run('mdb', 'lst');
    expect(near.status).to.equal(2);
    expect(near.stderr).to.equal('prolo: mdb lst: no such command\n       did you mean `prolo mdb list`?\n');
    expect((await run('psh', '@all', '--', 'uptime')).stderr).to.include('did you mean `prolo pssh`');
    expect((await run('mdb', 'shw', 'pas-r01p01')).stderr).to.include('did you mean `prolo mdb show`?');
    expect((await run('mdb', 'delete')).stderr).to.include('`prolo mdb --help` lists them');
    expect((await run('frobnicate')).stderr).to.include('`prolo help` lists them');
    expect((await run('rfs', 'status', 'jdoe')).stderr).to.equal(
      'prolo: rfs status: it does not take jdoe\n       `prolo rfs status --help` says what it takes\n',
    );
  });

  it('with --json it is one document too', async () => {
    for (const [argv, message] of [
      [['rfs', 'status', 'jdoe', '--json'], 'rfs status: it does not take jdoe'],
      [['mdb', 'lst', '--json'], 'mdb lst: no such command'],
    ] as const) {
      const { status, stdout, stderr } = await run(...argv);
      expect({ status, stderr }).to.deep.equal({ status: 2, stderr: '' });
      const { error } = JSON.parse(stdout) as { error: object };
      expect(error).to.deep.include({ kind: 'bad-input', message, exitStatus: 2 });
      expect(error).to.have.property('hint');
    }
    const after = await run('psh', '@all', '--', 'uptime', '--json'); // another program's
    expect(after).to.include({ status: 2, stdout: '' });
  });

  it('a flag that is not there is said in two lines that do not scroll away, and what it may have meant', async () => {
    for (const [argv, said] of [
      [
        ['pssh', '--gater', '@all', '--', 'uptime'],
        ['Nonexistent flag: --gater', 'did you mean --gather? `prolo pssh --help` says what it takes'],
      ],
      [
        ['pssh', '--timeout', 'soon', '--', 'uptime'],
        ['--timeout: Expected an integer but received: soon', '`prolo pssh --help` says what it takes'],
      ],
      [
        ['pssh', '-i', '-g'],
        [
          '--gather cannot also be provided when using --interactive',
          '`prolo pssh --help` says what it takes',
        ],
      ],
    ] as const) {
      const { status, stderr } = await run(...argv);
      expect([status, stderr]).to.deep.equal([2, `prolo: ${said[0]}\n       ${said[1]}\n`]);
    }
    const { status, stderr } = await run('mdb', 'show');
    expect([status, stderr.startsWith('prolo: Missing 1 required arg')]).to.deep.equal([2, true]);
  });

  it('a flag that is not there has one exit status, with --json or without', async () => {
    expect((await run('mdb', 'list', '--rom', 'x')).status).to.equal(2);
    const { status, stdout } = await run('mdb', 'list', '--rom', 'x', '--json');
    expect(status).to.equal(2);
    expect((JSON.parse(stdout) as { error: unknown }).error).to.deep.include({
      kind: 'bad-input',
      message: 'Nonexistent flag: --rom',
      exitStatus: 2,
    });
  });

  it('a file that is not there, or is a folder', async () => {
    const missing = await run('udb', 'import', 'nowhere.txt');
    expect([missing.status, missing.stderr]).to.deep.equal([
      4,
      'prolo: nowhere.txt: no such file or folder\n',
    ]);
    const folder = await run('mdb', 'import', test.site.dir);
    expect([folder.status, folder.stderr]).to.deep.equal([
      2,
      `prolo: ${test.site.dir}: a folder, not a file\n`,
    ]);
  });

  it('a node set where one machine is asked for', async () => {
    const { status, stderr } = await run('mdb', 'show', 'pas-r[01-02]p01');
    expect([status, stderr.includes('not a node set')]).to.deep.equal([4, true]);
  });

  it('the config named by its folder', async () => {
    expect((await run('mdb', 'list', '--config', test.site.dir)).status).to.equal(0);
    const none = await run('mdb', 'list', '--config', join(test.site.dir, '..'));
    expect([none.status, none.stderr.includes('prolo.yml: no such file')]).to.deep.equal([3, true]);
  });

  it('a full disk below the output is said in a line', async function () {
    if (!existsSync('/dev/full')) return this.skip();
    const { status, stderr } = await new Promise<{ status: unknown; stderr: string }>((resolve) =>
      execFile(
        '/bin/sh',
        ['-c', 'exec "$@" > /dev/full', 'sh', process.execPath, proloBin, 'mdb', 'pool'],
        { env: { ...process.env, PROLO_CONFIG: test.site.file } },
        (error, _, stderr) => resolve({ status: error?.code, stderr }),
      ),
    );
    expect(status).to.equal(7);
    expect(stderr).to.match(/^prolo: standard output: no space left: .*\n$/);
  });

  it('an empty spreadsheet removes nobody', async () => {
    await run('mdb', 'add', '--hostname', 'pc1', '--mac', '52:54:00:00:00:01');
    const emptied = await prolo(['mdb', 'import', '-', '--delete', '--yes'], {
      config: test.site.file,
      input: '',
    });
    expect([emptied.status, emptied.stderr.includes('-: empty')]).to.deep.equal([2, true]);
    expect((await run('mdb', 'show', '192.168.0.1')).stdout).to.include('pc1');
  });
});
