import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { run, runOk } from '../../src/lib/exec.ts';
import { loadSite } from '../../src/lib/site/site.ts';
import { prolo, proloBin } from '../support/cli.ts';
import { needs } from '../support/needs.ts';

/** A machine with two NICs, one without a cable, and a Debian that is not this host's. */
describe('prolo install without a name', function () {
  this.timeout(60_000);
  const netns = `prolo-wizard-${process.pid}`;
  const far = `${netns}-far`;
  let dir: string;
  let tmux: string[];
  const at = (...parts: string[]): string => join(dir, ...parts);

  before(async function () {
    needs(this, { tmux: 'tmux', ip: 'iproute2' });
    if (process.getuid?.() !== 0) this.skip();
    dir = mkdtempSync(join(tmpdir(), 'prolo-wizard-'));
    mkdirSync(at('root/etc'), { recursive: true });
    writeFileSync(at('root/etc/os-release'), 'ID=debian\n');
    for (const name of [netns, far]) await runOk(['ip', 'netns', 'add', name]);
    for (const [i, name] of ['enp1s0', 'enp2s0'].entries())
      await runOk([
        ...['ip', '-n', netns, 'link', 'add', name, 'address', `52:54:00:00:00:0${i + 1}`, 'type', 'veth'],
        ...['peer', 'name', name, 'netns', far],
      ]);
    for (const name of [netns, far]) await runOk(['ip', '-n', name, 'link', 'set', 'enp2s0', 'up']);
    tmux = ['tmux', '-S', at('tmux'), '-f', '/dev/null'];
  });
  after(async () => {
    if (tmux) await run([...tmux, 'kill-server']);
    for (const name of [netns, far]) await run(['ip', 'netns', 'del', name]);
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  async function open(...args: string[]): Promise<void> {
    const words = [
      process.execPath,
      proloBin,
      'install',
      '--config',
      at('site/prolo.yml'),
      '--root',
      at('root'),
    ];
    // What it ends with stays on the screen until somebody has looked.
    const line = `unset CI NO_COLOR FORCE_COLOR; ${[...words, ...args].join(' ')}; echo "status $?"; read -r _`;
    await runOk(
      ['ip', 'netns', 'exec', netns, ...tmux, 'new-session', '-d', '-x', '80', '-y', '24', 'sh', '-c', line],
      { env: { TERM: 'xterm-256color', SHELL: '/bin/sh' } },
    );
  }
  const screen = async (): Promise<string> =>
    (await runOk([...tmux, 'capture-pane', '-p'])).stdout.replace(/\s+$/, '');
  const keys = (...words: string[]) => runOk([...tmux, 'send-keys', ...words]);
  async function until(what: RegExp): Promise<string> {
    let shown = '';
    for (let tries = 0; tries < 300; tries++) {
      shown = await screen();
      if (what.test(shown)) return shown;
      await delay(50);
    }
    throw new Error(`never showed ${String(what)}:\n${shown}`);
  }

  it('asks what the gateway is to be, goes back, makes the site, and shows what it would do, on 80 by 24', async () => {
    await open('--plan');
    expect(await until(/What is this machine\?/)).to.equal(
      [
        'prolo: this machine becomes a server of a site',
        '',
        'What is this machine?',
        'gw, rhfs, web, monitoring',
        '[gw] >',
        'Enter takes what is in brackets · up: the question before · Ctrl-C leaves,',
        'nothing is done',
      ].join('\n'),
    );
    await keys('server', 'Enter');
    await until(/^server: one of gw, rhfs, web, monitoring$/m);
    await keys('C-u', 'Enter');
    await until(/\[gw\] >\s*\nEnter/);
    await keys('Enter');
    await until(/^\[finals\] >/m);
    await keys('lan-party', 'Enter');
    await until(/^\[lan-party\] >/m);
    await keys('Up');
    await until(/^\[finals\] >/m);
    await keys('regional', 'Enter');
    await until(/^\[regional\] >/m);
    await keys('Enter');
    await until(/^\[enp2s0\] >/m);
    await keys('eth7', 'Enter');
    expect(await until(/^eth7: /m)).to.equal(
      [
        'prolo: this machine becomes a server of a site',
        'What is this machine?: gw',
        'Its hostname: gw',
        'The name of the site: regional',
        'The domain of its machines: regional',
        '',
        'The NIC that the machines are on',
        'enp1s0 52:54:00:00:00:01 (no cable) · enp2s0 52:54:00:00:00:02',
        '[enp2s0] > eth7',
        'eth7: this machine has enp1s0, enp2s0',
        'Enter takes what is in brackets · up: the question before · Ctrl-C leaves,',
        'nothing is done',
      ].join('\n'),
    );
    await keys('C-u', 'Enter');
    for (const suggested of ['192.168.0.0/23', '192.168.250.0/24', 'enp1s0', 'dhcp']) {
      await until(new RegExp(`^\\[${suggested}\\] >`, 'm'));
      await keys('Enter');
    }
    await until(/Name servers of the internet/);
    await keys('9.9.9.9', 'Enter');
    await until(/^\[pasteur=pas other=other\] >/m);
    await keys('Enter');
    const shown = await until(/status 0/);
    expect(shown)
      .to.match(/then: prolo install gw --host gw/)
      .and.match(/- 9\.9\.9\.9/);
    expect(existsSync(at('site'))).to.equal(false);
    await keys('Enter');
  });

  it('is left by Ctrl-C, and has done nothing', async () => {
    await open();
    await until(/What is this machine\?/);
    await keys('C-c');
    await until(/status 0/);
    expect(existsSync(at('site'))).to.equal(false);
    await keys('Enter');
  });

  /** As a file answers it. */
  const install = (...words: string[]) => {
    const prolo = [process.execPath, proloBin, 'install', '--config', at('site/prolo.yml')];
    const answers = ['--root', at('root'), '--answers', at('answers.yml')];
    return run(['ip', 'netns', 'exec', netns, ...prolo, ...answers, ...words]);
  };

  it('asks nothing where a file answers, makes the site, and plans the role', async () => {
    writeFileSync(at('answers.yml'), 'role: gw\nname: regional\nuplink: none\nforwarders: none\n');
    const refused = await install();
    expect([refused.exitCode, refused.stderr]).to.satisfy(
      ([code, text]: [number, string]) =>
        code === 2 && /make this site in .*nobody is at the terminal/.test(text),
    );
    expect(existsSync(at('site'))).to.equal(false);
    await prolo(['site', 'init', at('elsewhere')]); // another site is not touched
    writeFileSync(at('answers.yml'), 'role: rhfs\nhostname: rhfs01\n');
    const strange = await install('--plan');
    expect([strange.exitCode, strange.stderr]).to.satisfy(
      ([code, text]: [number, string]) =>
        code === 4 && /prolo site export --role rhfs --host rhfs01/.test(text),
    );
    writeFileSync(at('answers.yml'), 'role: gw\nnic: enp2s0\n');
    const wrong = await install('--plan', '--json');
    expect(wrong.exitCode).to.equal(2);
    expect(JSON.stringify(JSON.parse(wrong.stdout))).to.contain('nic: nobody asks that');
  });

  it('makes the site once, and a second time only plans', async () => {
    const { draftOf, readAnswers } = await import('../../src/lib/install/wizard/answers.ts');
    const { initSite } = await import('../../src/lib/site/init.ts');
    const { fillSite } = await import('../../src/lib/site/fill.ts');
    const nics = [{ name: 'enp2s0', mac: '52:54:00:00:00:02', hasCarrier: true }];
    const facts = { hostname: 'gw', nics, nameservers: [], hasSite: false };
    await initSite(at('site'), draftOf(readAnswers('role: gw\n', 'a', facts)), (made) =>
      fillSite(made, false, 'test'),
    );
    expect(loadSite(at('site/prolo.yml')).config.gateway).to.equal('gw');
    const before = readFileSync(at('site/prolo.yml'), 'utf8');
    writeFileSync(at('answers.yml'), 'role: gw\nhostname: gw\n');
    const { stdout, exitCode, stderr } = await install('--plan', '--mac', '52:54:00:00:00:02');
    expect(exitCode).to.equal(0);
    expect(stderr).to.match(/^\d+ things to do; nothing was done\n$/);
    expect(stdout)
      .to.match(/^\+ .*\/etc\/hosts/m)
      .and.include('prolo-registration.service');
    expect(readFileSync(at('site/prolo.yml'), 'utf8')).to.equal(before);
  });
});
