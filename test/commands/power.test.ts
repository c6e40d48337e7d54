import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect } from 'chai';
import type { Outcome } from '../../src/lib/ssh/protocol.ts';
import { prolo, proloBin } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { makePowerPrograms, type PowerPrograms } from '../support/power-programs.ts';
import { makeSshSite, type SshSite, sshPackages } from '../support/ssh-site.ts';
import { proloAtTerminal } from '../support/terminal.ts';

describe('prolo reboot, poweroff, ping', function () {
  this.timeout(60_000);
  let site: SshSite;
  let programs: PowerPrograms;
  beforeEach(async function () {
    needs(this, { ...sshPackages, script: 'bsdutils' });
    programs = makePowerPrograms();
    site = await makeSshSite({
      machines: 9,
      config: [programs.setEnv],
      // Two switches, of four PCs each; and a server beside them.
      change: (n) => ({ mtype: n === 9 ? 'service' : 'user', rfs: n % 2, hfs: n % 2 }),
    });
    const { knex } = await site.test.store();
    const at = { ip: '', since: '2026-05-02T08:00:00.000Z' };
    await knex('presence').insert([
      { login: 'joe', hostname: 'pas-r01p02', ...at },
      { login: 'joan', hostname: 'pas-r01p04', ...at },
      { login: 'jim', hostname: 'pas-r02p01', ...at },
    ]);
  });
  afterEach(async () => {
    await site?.stop();
    programs?.remove();
  });
  const run = (...args: string[]) => prolo(args, { config: site.test.site.file });
  const outcomesOf = (stdout: string): Record<string, string> => {
    const { outcomes } = JSON.parse(stdout) as { outcomes: Outcome[] };
    return Object.fromEntries(
      outcomes.map(({ hostname, status, reason }) => [
        hostname.slice(-2),
        reason ? `${status}: ${reason}` : status,
      ]),
    );
  };

  it('shows when which machines would go, without the servers that nobody named', async () => {
    const { status, stdout, stderr } = await run(
      'reboot',
      '@all',
      '-n',
      '--per-switch=3',
      '--wave-seconds=30',
    );
    expect(stdout).to.equal(
      [
        'reboot 8 machines in 2 waves, 3 of a switch at once, the next ones 30 s later:',
        'AT    COUNT  MACHINES',
        '0 s   6      pas-r01p[01-06]',
        '30 s  2      pas-r01p[07-08]',
        '2 people are logged on there',
        '',
      ].join('\n'),
    );
    expect(stderr).to.equal('left out, since no word names them: pas-r02p01 (servers)\n');
    expect(status).to.equal(0);
    const named = JSON.parse((await run('poweroff', 'pas-r02p01', '--dry-run', '--json')).stdout) as object;
    expect(named).to.deep.include({ waves: [{ atSeconds: 0, machines: ['pas-r02p01'] }], outcomes: [] });
    expect(programs.calls()).to.deep.equal([]);
  });

  it('refuses without a selection, with servers only, and where nobody can be asked', async () => {
    const cases: [string[], RegExp][] = [
      [['reboot', '--yes'], /^prolo: selection: none\n/],
      [
        ['poweroff', '@mtype:service', '--yes'],
        /poweroff: pas-r02p01: servers, and none of them was named\n/,
      ],
      [['reboot', 'pas-r01p01'], /prolo: reboot 1 machine\? nobody is at the terminal to ask\n +say --yes/],
    ];
    for (const [args, expected] of cases) {
      const { status, stderr } = await run(...args);
      expect(status).to.equal(2);
      expect(stderr).to.match(expected);
    }
    expect(programs.calls()).to.deep.equal([]);
  });

  it('asks at the terminal, however few they are, and says how many are logged on there', async () => {
    const ask = (typed: string) =>
      proloAtTerminal(['reboot', 'pas-r01p[01-04]'], {
        config: site.test.site.file,
        answers: [[/reboot 4 machines, where 2 people are logged on\? \[y\/N\] /, typed]],
      });
    await ask('n\n');
    expect(programs.calls()).to.deep.equal([]);
    expect(await ask('y\n')).to.include({ status: 0 });
    expect(programs.calls().map(({ words }) => words)).to.deep.equal(Array(4).fill('reboot'));
  });

  it('reboots so many of a switch at once, the next ones later', async () => {
    const args = ['pas-r01p[01-07]', '--yes', '--per-switch=2', '--wave-seconds=1'];
    const { status, stderr } = await run('reboot', ...args);
    expect(status, stderr).to.equal(0);
    const calls = programs.calls();
    const turns = [
      ['1', '2', '3', '4'],
      ['5', '6', '7'],
    ];
    expect(calls.map(({ words }) => words)).to.deep.equal(Array(7).fill('reboot'));
    expect(
      [calls.slice(0, 4), calls.slice(4)].map((turn) => turn.map(({ ip }) => ip.at(-1)).sort()),
    ).to.deep.equal(turns);
    // The first ones wait for handshakes, the next ones do so too.
    expect(calls[4]!.ms - calls[0]!.ms).to.be.greaterThan(500);
    expect(stderr).to.match(
      /\n0 s: reboot: pas-r01p\[01-04\] \(4\)\n1 s: reboot: pas-r01p\[05-07\] \(3\)\n7 ok in /,
    );
  });

  it('takes a connection that drops for a success, and nothing else', async () => {
    for (const n of [1, 2]) programs.behave(site.sshd.ip(n), 'drop');
    programs.behave(site.sshd.ip(3), 'refuse');
    const { knex } = await site.test.store();
    await knex('machines').where({ hostname: 'pas-r01p04' }).update({ ip: '127.0.1.99' }); // where nothing listens
    const { status, stdout } = await run('poweroff', 'pas-r01p[01-05]', '--yes', '--json');
    expect(outcomesOf(stdout)).to.deep.equal({
      '01': 'ok',
      '02': 'ok',
      '03': 'failed: Call to poweroff failed: \u001b[1mno\u001b[0m',
      '04': 'unreachable: no sshd listens there',
      '05': 'ok',
    });
    const { outcomes } = JSON.parse(stdout) as { outcomes: Outcome[] };
    const told = outcomes.filter(({ exitCode }) => exitCode === 0).map(({ hostname }) => hostname);
    expect(told, 'the others hung up').to.deep.equal(['pas-r01p05']);
    expect(status).to.equal(255);
    const { stderr } = await run('poweroff', 'pas-r01p03', '--yes');
    expect(stderr).to.include('pas-r01p03 (1): failed: Call to poweroff failed: ?[1mno?[0m\n');
  });

  it('waits until machines have come back after another boot', async () => {
    programs.behave(site.sshd.ip(1), 'drop');
    programs.behave(site.sshd.ip(3), 'stuck');
    const args = ['pas-r01p[01-03]', '--yes', '--wait', '--wait-seconds=5'];
    const { status, stdout } = await run('reboot', ...args, '--json');
    const outcomes = outcomesOf(stdout);
    expect(outcomes['01']).to.match(/^ok: back after \d s$/);
    expect(outcomes['02']).to.match(/^ok: back after \d s$/);
    expect(outcomes['03']).to.equal('timeout: not back in 5 s: it has not gone down');
    expect(status).to.equal(124);
  });

  for (const [how, touched, args] of [
    ['waves', ['1', '2'], ['--per-switch=1', '--wave-seconds=60']],
    ['one wave, one at a time', ['1'], ['--wave-seconds=0', '--fanout=1']],
  ] as const)
    it(`touches no other machine after Ctrl-C, and says which were not: ${how}`, async () => {
      const argv = ['reboot', 'pas-r01p[01-06]', '--yes', '--wait', ...args];
      for (const n of [1, 2]) programs.behave(site.sshd.ip(n), 'stuck');
      const child = spawn(process.execPath, [proloBin, ...argv], {
        env: { ...process.env, PROLO_CONFIG: site.test.site.file },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
      for (let tries = 0; programs.calls().length < touched.length; tries++) {
        if (tries > 400) throw new Error(`nobody is told to reboot: ${stderr}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      child.kill('SIGINT');
      const [status] = (await once(child, 'close')) as [number];
      expect(status).to.equal(255);
      expect(stderr).to.include('no other machine is touched, what has begun is finished; Ctrl-C again');
      const [first, left] = touched.length === 1 ? ['01', '02-06'] : ['[01-02]', '03-06'];
      expect(stderr).to.include(`pas-r01p[${left}] (${6 - touched.length}): stopped: not touched\n`);
      expect(stderr).to.include(
        `pas-r01p${first} (${touched.length}): stopped: told to reboot; its return was not waited for\n`,
      );
      expect(
        programs
          .calls()
          .map(({ ip }) => ip.at(-1))
          .sort(),
      ).to.deep.equal(touched);
    });

  it('ping watches until Ctrl-C, or all are up', async () => {
    expect((await run('ping', 'pas-r01p01', '--watch')).status).to.equal(0);
    const { knex } = await site.test.store();
    await knex('machines').where({ hostname: 'pas-r01p03' }).update({ ip: '127.0.1.99' });
    const child = spawn(process.execPath, [proloBin, 'ping', 'pas-r01p[02-03]', '--watch'], {
      env: { ...process.env, PROLO_CONFIG: site.test.site.file },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
    await once(child.stdout, 'data');
    const late = createServer((socket) => socket.end('SSH-2.0-late\r\n')).listen(
      site.sshd.port,
      '127.0.1.99',
    );
    try {
      expect((await once(child, 'close'))[0]).to.equal(0);
    } finally {
      late.close();
    }
    expect(stdout).to.match(/^STATE .*\nup +1 .*\non +1 .*\n\d s: up \(1\): pas-r01p03\n$/);
    const other = spawn(process.execPath, [proloBin, 'ping', 'pas-r01p[02-03]', '--watch'], {
      env: { ...process.env, PROLO_CONFIG: site.test.site.file },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(other.stdout, 'data');
    other.kill('SIGINT');
    expect(await once(other, 'close')).to.deep.equal([1, null]);
  });

  it('wall writes to those that are chosen, or to all', async () => {
    const { status, stderr } = await run(
      'wall',
      'pas-r01p[01-02]',
      '--',
      'Déjeuner',
      'à midi',
      '$HOME \u001b[2J;',
    );
    expect(status, stderr).to.equal(0);
    expect(stderr).to.match(/^write "Déjeuner à midi \$HOME \[2J;" on 2 machines: .*\n2 ok in /);
    for (const n of [1, 2])
      expect(programs.wall(site.sshd.ip(n))).to.equal('C.UTF-8\nDéjeuner à midi $HOME [2J;\n');
    expect(programs.wall(site.sshd.ip(3))).to.equal(undefined);
    expect(await run('wall', 'pas-r01p03', 'Lunch')).to.deep.include({ status: 2 });
    expect((await run('wall', 'Lunch', 'is', 'ready', '-x', 'pas-r01p01')).status).to.equal(0);
    const texts = Array.from({ length: 9 }, (_, i) => programs.wall(site.sshd.ip(i + 1)));
    expect(texts.slice(1)).to.deep.equal(Array(8).fill('C.UTF-8\nLunch is ready\n'));
    expect(texts[0]).to.include('midi');
  });

  it('ping says which are there, and has an exit status', async () => {
    const { knex } = await site.test.store();
    expect(await run('ping', 'pas-r01p[01-08]')).to.include({ status: 0 });
    await knex('machines').where({ hostname: 'pas-r01p03' }).update({ ip: '127.0.1.99' });
    const { status, stdout } = await run('ping', '@mtype:user');
    expect(status).to.equal(1);
    expect(
      stdout.split('\n').map((line) => line.replace(/[\d.]+ ms, at most [\d.]+/, 'TIME').split(/  +/)),
    ).to.deep.equal([
      ['STATE', 'COUNT', 'TIME', 'WHY', 'MACHINES'],
      ['up', '7', 'TIME', '-', 'pas-r01p[01-02,04-08]'],
      ['on', '1', '-', 'no sshd listens there', 'pas-r01p03'],
      [''],
    ]);
    const each = await run('ping', 'pas-r01p[02-03]', '--each');
    expect(each.stdout).to.match(
      /^HOSTNAME .*\npas-r01p02 +127\.0\.1\.2 +up +[\d.]+ +-\npas-r01p03 +127\.0\.1\.99 +on +- +no sshd/,
    );
    const json = JSON.parse((await run('ping', 'pas-r01p03', '--json')).stdout) as object;
    expect(json).to.deep.equal({
      machines: [{ hostname: 'pas-r01p03', ip: '127.0.1.99', state: 'on', reason: 'no sshd listens there' }],
    });
  });
});
