import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { prolo, proloBin } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { makeSshSite, type SshSite, sshPackages } from '../support/ssh-site.ts';

describe('prolo pssh -i', function () {
  this.timeout(60_000);
  let site: SshSite;
  before(async function () {
    needs(this, { ...sshPackages, script: 'bsdutils' });
    site = await makeSshSite({ machines: 8 });
  });
  after(() => site?.stop());
  const run = (input: string, ...args: string[]) =>
    prolo(['pssh', '-i', ...args], { config: site.test.site.file, input });

  it('runs lines of standard input on kept connections, and gathers the answers', async () => {
    const { status, stdout, stderr } = await run(
      'echo one\necho $PPID > ppid-${SSH_CONNECTION##*.1.}\nexit 3\n:select pas-r01p01\necho two; echo three >&2\n',
      'pas-r01p[01-03]',
    );
    expect(stdout.split('\n').slice(0, 2)).to.deep.equal(['== pas-r01p[01-03] (3)', 'one']);
    expect(stdout).to.match(/== pas-r01p\[01-03\] \(3\): exit status 3: no output/);
    expect(stdout.split('\n').slice(-4)).to.deep.equal(['== pas-r01p01 (1)', 'two', 'stderr: three', '']);
    expect(stdout).to.not.include('\u001b');
    expect(stderr).to.match(/^> echo one\n3 ok in /m);
    expect(status).to.equal(3);
  });

  it('makes one handshake, whatever the number of commands', async () => {
    const accepted = () => site.sshd.log().split('Accepted publickey').length;
    const before = accepted();
    await run('true\n'.repeat(5), 'pas-r01p[01-02]');
    expect(accepted() - before).to.equal(2);
  });

  it('says what is wrong with a line, and goes on', async () => {
    const { stdout, stderr } = await run(
      ':reboot\n:select pas-r99p01\necho on\n:out /no/where/x\n',
      'pas-r01p01',
    );
    expect(stderr)
      .to.match(/^:reboot: no such word$/m)
      .and.to.match(/^machine pas-r99p01: not in MDB$/m);
    expect(stderr).to.match(/no such folder/);
    expect(stdout).to.equal('== pas-r01p01 (1)\non\n');
  });

  it('changes its selection, ends what takes too long, and writes answers to a file', async () => {
    const file = join(site.test.dir, 'answers');
    const { stderr } = await run(
      `:add pas-r01p02\n:drop pas-r01p01\n:timeout 1\nsleep 30\n:timeout 0\nprintf 'a\\033b'\n:out ${file}\n:machines\n`,
      'pas-r01p01',
    );
    expect(stderr).to.match(/pas-r01p02 \(1\): timed out: no end in 1 s/);
    expect(stderr).to.match(/^pas-r01p02 \(1\) up$/m);
    expect(readFileSync(file, 'utf8')).to.equal('== pas-r01p02 (1)\na\u001bb\n');
  });

  it('keeps a log of each command', async () => {
    await run('echo logged\n', 'pas-r01p[01-02]');
    const dir = site.test.site.statePath('ssh/runs');
    const newest = readdirSync(dir)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .at(-1)!;
    const log = JSON.parse(readFileSync(join(dir, newest), 'utf8')) as Record<string, unknown>;
    expect(log).to.include({ what: 'run echo logged', machines: 'pas-r01p[01-02]' });
    expect(log.results).to.have.length(2);
    expect((log.results as object[])[0]).to.include({ status: 'ok', stdoutBytes: 7 });
  });

  it('stops waiting at the first Ctrl-C, and goes on with the next line', async () => {
    const config = { PROLO_CONFIG: site.test.site.file };
    const args = [proloBin, 'pssh', '-i', 'pas-r01p01'];
    const child = spawn(process.execPath, args, { env: { ...process.env, ...config }, stdio: 'pipe' });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].on('data', (chunk: Buffer) => (output[stream] += chunk.toString()));
    const marker = join(site.sshd.dir, 'begun');
    child.stdin.end(`echo came; touch ${marker}; sleep 60\necho next\n`);
    for (let tries = 0; !existsSync(marker) && tries < 500; tries++) await sleep(20);
    child.kill('SIGINT');
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect(output.stdout).to.match(
      /^== pas-r01p01 \(1\): not waited for\ncame\n== pas-r01p01 \(1\)\nnext\n$/,
    );
    expect(output.stderr).to.match(/1 stopped in/);
    expect(status).to.equal(255);
  });

  it('records host keys while it is still open', async () => {
    const { stdout } = await run(
      `sleep 1; cat ${site.test.site.statePath('ssh/known_hosts')}\n`,
      'pas-r01p08',
    );
    expect(stdout).to.match(/pas-r01p08\S* ssh-ed25519 /);
  });

  it('takes no command, and is no JSON', async () => {
    expect((await run('', 'pas-r01p01', '--', 'true')).status).to.equal(2);
    expect((await run('', 'pas-r01p01', '--json')).status).to.equal(2);
    const { status, stdout } = await run('', 'pas-r01p[01-02]', '--dry-run');
    expect([status, stdout]).to.deep.equal([0, 'pas-r01p[01-02]\n']);
  });

  describe('on a terminal', () => {
    let child: ChildProcess;
    let seen = '';
    let wake: () => void = () => undefined;

    /** A pseudo-terminal of 80 x 24, as ssh(1) or tmux would give one. */
    const open = (selection: string, env: Record<string, string> = {}) => {
      seen = '';
      const line = `stty rows 24 cols 80; exec ${process.execPath} ${proloBin} pssh -i ${selection}`;
      const config = { PROLO_CONFIG: site.test.site.file, TERM: 'xterm-256color' };
      const { CI: _, NO_COLOR: __, FORCE_COLOR: ___, ...rest } = process.env;
      child = spawn('script', ['-qfec', line, '/dev/null'], {
        env: { ...rest, ...config, ...env },
        stdio: 'pipe',
      });
      child.stdout!.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
        wake();
      });
      child.once('exit', () => wake());
    };
    /** Resolves when the terminal has shown that since the last time. */
    const until = async (what: RegExp): Promise<string> => {
      const deadline = Date.now() + 20_000;
      for (;;) {
        const found = what.exec(seen);
        if (found) {
          const before = seen.slice(0, found.index + found[0].length);
          seen = seen.slice(found.index + found[0].length);
          return before;
        }
        if (Date.now() > deadline || child.exitCode !== null)
          throw new Error(`no ${String(what)} in ${seen}`);
        await Promise.race([new Promise<void>((resolve) => (wake = resolve)), sleep(500)]);
      }
    };
    const type = (text: string) => void child.stdin!.write(text);
    const ended = () =>
      child.exitCode === null
        ? new Promise<number | null>((resolve) => child.once('exit', resolve))
        : Promise.resolve(child.exitCode);
    afterEach(async () => {
      if (child && child.exitCode === null) {
        child.kill('SIGKILL');
        await ended();
      }
    });

    it('runs what is typed, recalls it, stops waiting, and leaves', async () => {
      open('pas-r01p[01-03]');
      await until(/3 up/);
      type('echo a-$((40+2))\r');
      await until(/== pas-r01p\[01-03\] \(3\)[^]*a-42/);
      await until(/3 ok in [\d.]+ s/);
      type('\u001b[A');
      await until(/echo a-\$/);
      type('\r');
      await until(/3 ok in/);
      type('echo begun; sleep 60\r');
      await until(/0 of 3 done/);
      await sleep(300);
      type('\u0003');
      await until(/begun[^]*3 stopped in/);
      type('printf "\\033[2J\\033]0;title\\007"\r');
      await until(/\^\[\[2J\^\[\]0;title\^G/);
      type('\u0004');
      expect(await ended()).to.equal(0);
      const history = site.test.site.statePath('ssh/history');
      expect(readFileSync(history, 'utf8')).to.match(/^echo a-\$\(\(40\+2\)\)$/m);
      expect(statSync(history).mode & 0o777).to.equal(0o600);
    });

    it('has no colours with NO_COLOR', async () => {
      open('pas-r01p01', { NO_COLOR: '1' });
      await until(/1 up/);
      type('exit 3\r');
      const shown = await until(/1 failed/);
      expect(shown).to.match(/exit status 3/);
      expect(shown).to.not.match(/\u001b\[[\d;]+m/);
      await until(/1 up\r\n/);
      type('\u0003');
      await until(/once more leaves/);
      type('\u0003');
      expect(await ended()).to.equal(0);
    });

    it('asks once about many machines of contestants, also when the selection changes', async () => {
      const many = await makeSshSite({ machines: 4, ssh: { askAbove: 2 } });
      try {
        const config = { PROLO_CONFIG: many.test.site.file };
        open('pas-r01p01', config);
        await until(/1 up/);
        type(':select @all\r');
        await until(/4 machines, 4 of contestants: go on\? \[y\/N\]/);
        type('n');
        await until(/go on\? no/);
        type(':add pas-r01p[02-04]\r');
        await until(/go on\? \[y\/N\]/);
        type('y');
        await until(/4 up/);
        type('true\r');
        await until(/4 ok in/);
        type(':quit\r');
        expect(await ended()).to.equal(0);
      } finally {
        await many.stop();
      }
    });

    it("says when a machine's sshd is gone, and when it is back", async () => {
      open('pas-r01p[01-03]');
      await until(/3 up/);
      process.kill(Number(readFileSync(join(site.sshd.dir, 'pid'), 'utf8')), 'SIGKILL');
      type('kill -9 $PPID\r');
      await until(/pas-r01p\S+ \(\d\) gone: it hung up/);
      await until(/pas-r01p\S+ \(\d\) down: no sshd listens there/);
      type('true\r');
      await until(/3 unreachable in/);
      const again = spawn('/usr/sbin/sshd', ['-D', '-f', join(site.sshd.dir, 'sshd_config')], {
        stdio: 'ignore',
      });
      try {
        await until(/pas-r01p\S+ \(\d\) back/);
        await until(/3 up/);
        type('true\r');
        await until(/3 ok in/);
        type('\u0004');
        expect(await ended()).to.equal(0);
      } finally {
        again.kill('SIGKILL');
      }
    });
  });
});
