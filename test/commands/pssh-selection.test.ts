import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { prolo, proloBin } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { makeSshSite, type SshSite, sshPackages } from '../support/ssh-site.ts';
import { proloAtTerminal } from '../support/terminal.ts';

describe('prolo pssh: which machines', function () {
  this.timeout(60_000);
  let site: SshSite;
  before(async function () {
    needs(this, { ...sshPackages, script: 'bsdutils' });
    site = await makeSshSite({
      machines: 12,
      ssh: { askAbove: 3 },
      change: (n) => ({
        mtype: n === 12 ? 'service' : 'user',
        room: n > 6 ? 'alt' : 'pasteur',
        ...(n === 11 ? { ip: '127.0.1.99' } : {}), // where nothing listens
      }),
    });
    const { knex } = await site.test.store();
    const at = { ip: '', since: '2026-05-02T08:00:00.000Z' };
    await knex('presence').insert([
      { login: 'joe', hostname: 'pas-r01p02', ...at },
      { login: 'joan', hostname: 'pas-r02p04', ...at },
    ]);
  });
  after(() => site?.stop());
  const run = (...args: string[]) => prolo(args, { config: site.test.site.file });
  const choose = async (...args: string[]) => {
    const { status, stdout, stderr } = await run('pssh', '--dry-run', ...args, '--', 'true');
    return status === 0 ? stdout.trim() : stderr;
  };

  it('knows who sits where, who answers, and what to leave out', async () => {
    expect(await choose('@user:joe')).to.equal('pas-r01p02');
    expect(await choose('@logged-in')).to.equal('pas-r01p02,pas-r02p04');
    expect(await choose('@free', '-x', 'pas-r01p[04-05]', '-x', 'pas-r02p*')).to.equal(
      'pas-r01p[01,03,06-08]',
    );
    expect(await choose('-x', 'pas-r01p04', 'pas-r01p[03-04]')).to.equal('pas-r01p03');
    expect(await choose('@room:alt!@alive')).to.equal('pas-r02p03');
    expect(await choose('@alive', '--room', '^ALT$', '--mtype', 'user')).to.equal(
      'pas-r01p[07-08],pas-r02p[01-02]',
    );
    expect(await choose('@user:jo')).to.match(
      /^prolo: login jo: logged on nowhere\n +did you mean @user:joe/,
    );
    expect(await choose('-x', 'pas-r09p01')).to.include('machine pas-r09p01: not in MDB');
    expect(await choose('@faulty', '--room', 'alt')).to.equal(
      'prolo: selection: no machine is in it (0 in @faulty, 0 with --room)\n',
    );
  });

  it('mdb list knows who sits where too', async () => {
    const { stdout } = await run('mdb', 'list', '--fold', '@room:pasteur&@free');
    expect(stdout).to.equal('pas-r01p[01,03-06]\n');
    expect((await run('mdb', 'list', '@alive')).stderr).to.include('group @alive: unknown');
  });

  it('is again those that failed last time, as often as they do', async () => {
    const failing = [
      'pssh',
      '--json',
      'pas-r01p[01-04]',
      '--',
      'case $SSH_CONNECTION in *127.0.1.[13]\\ *) exit 3;; esac',
    ];
    expect(await run(...failing)).to.include({ status: 3 });
    expect(await choose('--failed')).to.equal('pas-r01p[01,03]');
    expect(await choose('--failed', '-x', 'pas-r01p01')).to.equal('pas-r01p03');
    expect(await run('pssh', '--failed', '--', 'true')).to.include({ status: 0 });
    expect(await choose('--failed')).to.include('--failed: no machine failed in your last run');
  });

  it('loads no SSH for a dry run', async () => {
    const spy = join(site.test.dir, 'spy.cjs');
    const code = `process.on('exit', () => {
        const files = Object.keys(require.cache).filter((file) => /node_modules.ssh2.lib/.test(file));
        require('node:fs').writeFileSync(__filename + '.loaded', files.length > 0 ? 'ssh2' : 'no ssh2');
      });`;
    writeFileSync(spy, code);
    const loaded = async (...args: string[]) => {
      const env = { ...process.env, PROLO_CONFIG: site.test.site.file, NODE_OPTIONS: `--require ${spy}` };
      await promisify(execFile)(process.execPath, [proloBin, 'pssh', ...args, '--', 'true'], { env });
      return readFileSync(`${spy}.loaded`, 'utf8');
    };
    expect(await loaded('pas-r01p01')).to.equal('ssh2');
    expect(await loaded('--dry-run', '@all')).to.equal('no ssh2');
  });

  describe('at a terminal', () => {
    const at = (args: string[], rest: { answers?: [RegExp, string][]; pipe?: string } = {}) =>
      proloAtTerminal(['pssh', ...args], { config: site.test.site.file, ...rest });
    const done = (): boolean => readdirSync(site.sshd.home).length > 0;
    const touch = ['--', 'touch', './here'];
    const question = /4 machines, 4 of contestants: go on\? \[y\/N\] /;

    it('touches nothing before the answer is yes', async () => {
      const { shown } = await at(['pas-r01p[01-04]', ...touch], { answers: [[question, 'n\n']] });
      expect(shown).to.match(question);
      expect((await at(['pas-r01p[01-04]', ...touch], { answers: [[question, '\u0004']] })).shown).to.match(
        question,
      );
      const interrupted = await at(['pas-r01p[01-04]', ...touch], { answers: [[question, '\u0003']] });
      expect(interrupted.status).not.to.equal(0);
      expect(done()).to.equal(false);
    });

    it('asks there also when standard input is a pipe, of which it eats nothing', async () => {
      const { shown } = await at(['--stdin', '-', 'pas-r01p[01-04]', '--', 'cat'], {
        pipe: 'echo piped',
        answers: [[question, 'y\n']],
      });
      expect(shown).to.match(question);
      for (const n of [1, 2, 3, 4]) expect(shown).to.include(`pas-r01p0${n}: piped`);
    });

    it('asks nothing before few, with --yes, or in a dry run', async () => {
      for (const args of [['pas-r01p[01-03]'], ['--yes', 'pas-r01p[01-04]'], ['--dry-run', '@all']])
        expect((await at([...args, '--', 'true'])).shown).not.to.include('go on?');
    });
  });

  it('goes on where nobody can be asked', async () => {
    const { status, stderr } = await run('pssh', 'pas-r01p[01-04]', '--', 'true');
    expect(stderr).to.match(/^run `?true`? on 4 machines: pas-r01p\[01-04\]/);
    expect(status).to.equal(0);
    expect(existsSync(join(site.sshd.home, 'here'))).to.equal(false);
  });
});
