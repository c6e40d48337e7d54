import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Outcome } from '../../src/lib/ssh/protocol.ts';
import type { RunRecord } from '../../src/lib/ssh/runs.ts';
import { prolo, proloBin } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { makeSshSite, type SshSite, sshPackages } from '../support/ssh-site.ts';

/** Its number is the last one of the address that it was reached at. */
const NUMBER = '${SSH_CONNECTION##*.1.}';
const onlyAt = (n: number, command: string): string =>
  `case "$SSH_CONNECTION" in *127.0.1.${n}\\ *) ${command};; esac`;

interface Report {
  summary: Record<string, number> & { log: string };
  outcomes: (Outcome & { stdout: string; stdoutBytes: number; stdoutCut?: true })[];
  answers?: { nodes: string; count: number; stdout: string }[];
}

describe('prolo pssh', function () {
  this.timeout(120_000);
  let site: SshSite;
  before(async function () {
    needs(this, { ...sshPackages, diff: 'diffutils', script: 'bsdutils' });
    site = await makeSshSite({ machines: 8 });
  });
  after(() => site?.stop());
  const run = (...args: string[]) => prolo(['pssh', ...args], { config: site.test.site.file });
  const lastLog = (): RunRecord => {
    const dir = site.test.site.statePath('ssh/runs');
    return JSON.parse(readFileSync(join(dir, readdirSync(dir).sort().at(-1)!), 'utf8')) as RunRecord;
  };
  /** Started and not waited for. @returns what it writes, as it comes */
  const start = (command: string, args: readonly string[]) => {
    const env = { ...process.env, NO_COLOR: '1', PROLO_CONFIG: site.test.site.file, P: proloBin };
    const child = spawn('bash', ['-c', command, process.execPath, ...args], { env, timeout: 60_000 });
    const seen = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].on('data', (part: Buffer) => (seen[stream] += part.toString('latin1')));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const sees = (stream: 'stdout' | 'stderr', what: RegExp): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (what.test(seen[stream])) resolve();
        };
        child[stream].on('data', look);
        child.once('close', () => reject(new Error(`ended without ${what}: ${seen.stdout}${seen.stderr}`)));
        look();
      });
    return { child, seen, ended, sees };
  };

  it('runs a command at each machine, and prints each line behind its name', async () => {
    const { status, stdout, stderr } = await run(
      'pas-r01p[01-03]',
      '--',
      'echo',
      'one  two;',
      '$HOME',
      '--',
      '-x',
    );
    expect(stdout.trim().split('\n').sort()).to.deep.equal(
      [1, 2, 3].map((n) => `pas-r01p0${n}: one  two; $HOME -- -x`),
    );
    expect(stderr).to.match(/^3 ok in [\d.]+ s$/m);
    expect(status).to.equal(0);
  });

  it('leaves one word to the shell over there', async () => {
    const { stdout } = await run('pas-r01p01', '--', 'echo $SSH_CONNECTION | cut -d" " -f3');
    expect(stdout).to.equal('pas-r01p01: 127.0.1.1\n');
  });

  it('has the highest exit status, and says at its end which machines are why', async () => {
    const { status, stdout, stderr } = await run(
      '--',
      `${onlyAt(3, 'exit 3')}; ${onlyAt(5, 'exit 5')}; true`,
    );
    expect({ status, stdout }).to.deep.equal({ status: 5, stdout: '' });
    expect(stderr).to.include('pas-r01p03 (1): failed: exit status 3\n').and.include('6 ok, 2 failed in ');
    expect((await run('--failed', '--', 'echo again')).stdout.trim().split('\n').sort()).to.deep.equal([
      'pas-r01p03: again',
      'pas-r01p05: again',
    ]);
  });

  it('refuses to run nothing, or at nothing', async () => {
    for (const words of [['pas-r01p01'], ['pas-r01p01', '--'], ['pas-r01p01', '--', '']])
      expect(await run(...words))
        .to.include({ status: 2 })
        .and.property('stderr')
        .includes('no command');
    expect(await run('pas-r01p01', '-x', '@all', '--', 'true')).to.include({ status: 4, stdout: '' });
    for (const limit of ['--timeout', '--connect-timeout'])
      expect(await run('pas-r01p01', limit, '3000000', '--', 'true'), 'more than a timer takes').to.include({
        status: 2,
      });
  });

  it('shows identical answers once', async () => {
    const { stdout, status } = await run(
      '--gather',
      '--',
      `echo same; ${onlyAt(3, 'echo bad >&2; exit 3')}; true`,
    );
    expect(stdout).to.equal(
      '== pas-r01p[01-02,04-08] (7)\nsame\n== pas-r01p03 (1): exit status 3\nsame\nstderr: bad\n',
    );
    expect(status).to.equal(3);
    expect(lastLog().results.every(({ stdoutSha256 }) => stdoutSha256?.length === 64)).to.equal(true);
  });

  it('shows how answers differ from the commonest', async () => {
    const { stdout } = await run('--diff', '--', `seq 3; ${onlyAt(2, "printf '\\377\\n'")}; true`);
    expect(stdout).to.include(
      '== pas-r01p[01,03-08] (7)\n1\n2\n3\n== pas-r01p02 (1)\n--- pas-r01p[01,03-08] (7) stdout',
    );
    expect(stdout).to.include('\n 3\n+\ufffd\n');
  });

  for (const mode of ['lines', '--gather', '--diff', '--out'])
    it(`loses nothing of 10 MB from each machine: ${mode}`, async () => {
      const file = join(site.sshd.dir, 'ten-megabytes');
      const text = Array.from({ length: 150_000 }, (_, i) => `${'x'.repeat(i % 120)} ${i}`)
        .join('\n')
        .slice(0, 1e7 - 1);
      writeFileSync(file, `${text}\n`);
      const sum = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
      const out = join(site.test.dir, 'out');
      const flags = mode === 'lines' ? [] : mode === '--out' ? ['--out', out] : [mode];
      const { status, stdout, stderr } = await run(
        ...flags,
        '--',
        `cat ${file}; echo ${mode === '--diff' ? '' : NUMBER}`,
      );
      expect(status, stderr).to.equal(0);
      const number = (n: number): string => (mode === '--diff' ? '' : `${n} ${site.sshd.port}`);
      const expected = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => sum(`${text}\n${number(n)}\n`));
      const got =
        mode === '--out'
          ? site.hostnames.map((name) => sum(readFileSync(join(out, `${name}.out`))))
          : mode === 'lines'
            ? site.hostnames.map((name) => {
                const lines = stdout.split('\n').filter((line) => line.startsWith(`${name}: `));
                return sum(lines.map((line) => `${line.slice(name.length + 2)}\n`).join(''));
              })
            : stdout
                .split(/^== .*\n/m)
                .slice(1)
                .map(sum);
      expect(got).to.deep.equal(mode === '--diff' ? [expected[0]] : expected);
    });

  it('passes bytes that are no UTF-8 into a pipe as they are', async () => {
    const { ended, seen } = start('"$0" "$P" "$@"', [
      'pssh',
      'pas-r01p01',
      '--',
      "printf '\\377\\033[0m\\n'",
    ]);
    expect(await ended).to.equal(0);
    expect(seen.stdout).to.equal('pas-r01p01: \u00ff\u001b[0m\n');
  });

  it('writes a file a machine into a folder, whose parent must be there', async () => {
    const dir = join(site.test.dir, 'files');
    mkdirSync(dir);
    writeFileSync(join(dir, 'pas-r01p01.err'), 'old');
    const { stdout } = await run(
      'pas-r01p[01-02]',
      '--out',
      dir,
      '--',
      `echo ${NUMBER}; ${onlyAt(2, 'echo e >&2')}`,
    );
    expect(stdout).to.equal('');
    expect(readdirSync(dir).sort()).to.deep.equal(['pas-r01p01.out', 'pas-r01p02.err', 'pas-r01p02.out']);
    expect((await run('pas-r01p01', '--out', join(dir, 'no/where'), '--', 'true')).status).to.equal(4);
    expect(lastLog().output).to.equal(dir);
  });

  it('is JSON: each machine in order, its output with an end, a summary', async () => {
    const { stdout } = await run(
      '--json',
      '--',
      `echo hi; ${onlyAt(2, 'head -c 200000 /dev/zero; exit 2')}; true`,
    );
    const { summary, outcomes } = JSON.parse(stdout) as Report;
    expect(outcomes.map(({ hostname }) => hostname)).to.deep.equal(site.hostnames);
    expect(outcomes[0]).to.include({ status: 'ok', stdout: 'hi\n', stdoutBytes: 3 });
    expect(outcomes[1]).to.include({ status: 'failed', exitCode: 2, stdoutBytes: 200_003, stdoutCut: true });
    expect(summary).to.include({ ok: 7, failed: 1, stopped: 0, exitStatus: 2 });
    expect(existsSync(summary.log)).to.equal(true);
    const gathered = JSON.parse((await run('--json', '-g', '--', 'echo hi')).stdout) as Report;
    expect(gathered.answers).to.have.length(1);
    expect(gathered.answers![0]).to.include({ nodes: 'pas-r01p[01-08]', count: 8, stdout: 'hi\n' });
  });

  it('sends its own standard input, or a file, to all of them', async () => {
    const options = { config: site.test.site.file, input: 'to all\n' };
    const own = await prolo(['pssh', '-g', '--stdin', '-', '--', 'cat'], options);
    expect(own.stdout).to.equal('== pas-r01p[01-08] (8)\nto all\n');
    const script = join(site.test.dir, 'script.sh');
    writeFileSync(script, 'echo "a b" | wc -w\n');
    expect((await run('pas-r01p01', '--stdin', script, '--', 'sh')).stdout).to.equal('pas-r01p01: 2\n');
    const missing = await run('pas-r01p01', '--stdin', 'nofile', '--', 'sh');
    expect(missing.stderr).to.include('--stdin nofile: no such file or folder');
    expect(missing.status).to.equal(4);
  });

  it('stops waiting at the first Ctrl-C, and keeps what came', async () => {
    const command = `echo came; ${onlyAt(3, 'exec sleep 60')}; true`;
    const started = start('exec "$0" "$P" "$@"', ['pssh', '--', command]);
    await started.sees('stdout', /(came[^]*){8}/);
    started.child.kill('SIGINT');
    expect(await started.ended).to.equal(255);
    expect(started.seen.stderr).to.match(/pas-r01p03.*: stopped: not waited for\n/);
    const { results, ended } = lastLog();
    expect(ended).to.be.a('string');
    expect(results.find(({ hostname }) => hostname === 'pas-r01p03')).to.include({ status: 'stopped' });
  });

  it('ends quietly when its reader does', async () => {
    const args = ['pssh', 'pas-r01p[01-02]', '--', 'seq 1000000'];
    const { ended, seen } = start('"$0" "$P" "$@" 2>&1 | grep -m 1 ": 1$"; exit ${PIPESTATUS[0]}', args);
    expect(await ended).to.equal(0);
    expect(seen.stdout).to.match(/^pas-r01p0[12]: 1\n$/);
    expect(seen.stderr).to.equal('');
    expect(lastLog()).to.include({ what: 'run seq 1000000', ended: null });
  });

  it('slows the machines down for a reader that stands still; a second Ctrl-C leaves even then', async () => {
    const file = join(site.sshd.home, 'written');
    const command = `for i in $(seq 300); do head -c 100000 /dev/zero; echo $i > ${file}; done`;
    const env = { ...process.env, PROLO_CONFIG: site.test.site.file };
    const child = spawn(process.execPath, [proloBin, 'pssh', 'pas-r01p01', '--', command], {
      env,
      timeout: 60_000,
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    let written = '';
    for (let same = 0, tries = 0; same < 5 && tries < 200; tries++) {
      await sleep(100);
      const now = existsSync(file) ? readFileSync(file, 'utf8') : '';
      same = now !== '' && now === written ? same + 1 : 0;
      written = now;
    }
    expect(Number(written)).to.be.within(1, 100);
    child.kill('SIGINT');
    for await (const part of child.stderr) if (String(part).includes('stopping')) break;
    child.kill('SIGINT');
    expect(await ended).to.equal(130);
    expect(lastLog().ended).to.equal(null);
  });

  for (const mode of ['', '-g'])
    it(`has a progress line on a terminal, and nothing of a machine moves its cursor: ${mode || 'lines'}`, async () => {
      const command = "sleep 0.5; printf '\\033[2Jx\\n'";
      const line = `stty rows 24 cols 100; "$0" "$P" pssh ${mode} 'pas-r01p[01-02]' -- '${command.replaceAll("'", `'\\''`)}'`;
      const { ended, seen } = start('script -qefc "$1" /dev/null < /dev/null', [
        line.replace('"$0"', process.execPath),
      ]);
      expect(await ended, seen.stderr).to.equal(0);
      expect(seen.stdout).to.match(/0 of 2, 0\.\d s, waiting for pas-r01p\[01-02\]/);
      expect(seen.stdout)
        .to.include(mode ? '^[[2Jx' : 'pas-r01p01: ^[[2Jx')
        .and.not.include('\u001b[2Jx');
    });
});
