import { expect } from 'chai';
import { noteApplied } from '../../src/lib/contest/applied.ts';
import { registrationIsOpen, setSetting } from '../../src/lib/mdb/settings.ts';
import { fillSite } from '../lib/presence/support.ts';
import { prolo } from '../support/cli.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

interface Status {
  epoch: number;
  phase: string;
  registration: boolean;
  consumers: { consumer: string; applied: number | null; state: string }[];
}

describe('prolo contest', function () {
  this.timeout(60_000);
  let test: TestSite;
  before(async () => {
    test = await makeTestSite({ contest: { services: ['judge.service'] } });
    const store = await test.store();
    await fillSite(test.site, store, 3);
    const row = { since: new Date().toISOString() };
    await store.knex('presence').insert([
      { login: 'u1', hostname: 'm1', ip: '192.168.0.1', ...row },
      { login: 'boss', hostname: 'm2', ip: '192.168.0.2', ...row },
    ]);
    await setSetting(store, 'test', 'allow_self_registration', 'true');
  });
  after(() => test.remove());
  const run = (...args: string[]) => prolo(['contest', ...args], { config: test.site.file });
  const status = async (): Promise<Status> => JSON.parse((await run('status', '--json')).stdout) as Status;
  const isOpen = async (): Promise<boolean> => registrationIsOpen((await test.store()).knex, new Date());

  it('plan says for how many people and machines', async () => {
    const { stdout, status: exit } = await run('plan');
    expect(exit).to.equal(0);
    expect(stdout)
      .to.include('no contest runs\n')
      .and.match(
        /internet +goes off at 1 machine\(s\): m1\n +where 1 people are logged on, and wherever one of 3\s+contestants\s+logs\s+on\n/,
      )
      .and.match(/services +are started: judge.service/)
      .and.match(/registration +goes off/);
  });

  it('start and stop ask, and a dry run changes nothing', async () => {
    const asked = await run('start');
    expect(asked.status).to.equal(2);
    expect(asked.stderr).to.include('the contest starts now: 1 machine(s) lose the internet. Start? nobody is at the terminal'); // prettier-ignore
    expect((await run('start', '--dry-run')).stdout).to.equal('the contest starts now, if it is started\n');
    expect((await status()).epoch).to.equal(0);
  });

  it('status names who has not done it, by what each of them said', async () => {
    expect((await run('start', '--yes')).status).to.equal(0);
    const seen = { epoch: 1, phase: 'on' as const, problem: '' };
    await noteApplied(await test.store(), { consumer: 'firewall', ...seen }, new Date());
    await noteApplied(await test.store(), { consumer: 'units', ...seen, epoch: 0, phase: 'off' }, new Date());
    const shown = await run('status');
    expect(shown.status).to.equal(1);
    expect(shown.stdout)
      .to.match(/^the contest runs since .* UTC \(\S+, .* UTC\)\n/)
      .and.match(/firewall +1 on +1 on +\d s ago +ok/)
      .and.match(/units +0 off +1 on +\d s ago +lags/)
      .and.include('units has not done it yet: does `prolo daemon contest` run?');
    await noteApplied(await test.store(), { consumer: 'units', ...seen }, new Date());
    expect((await run('status')).status).to.equal(0);
  });

  it('while it runs nobody registers a machine; afterwards the setting is what it was', async () => {
    expect(await isOpen()).to.equal(false);
    expect((await prolo(['mdb', 'setting', '--json'], { config: test.site.file })).stdout).to.include('true');
    expect((await run('start', '--yes')).status).to.equal(5);
    expect((await run('stop', '--yes')).stdout).to.match(/^the contest ran from .* to /);
    expect(await isOpen()).to.equal(true);
    expect(await status()).to.include({ epoch: 2, phase: 'off', registration: true });
    expect((await run('stop', '--yes')).status).to.equal(5);
  });

  it('is started at a time, which is called off again', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
    expect((await run('start', '--yes', '--at', tomorrow)).stdout).to.match(/^the contest starts at /);
    expect(await status()).to.include({ phase: 'waiting', registration: true });
    expect((await run('start', '--yes', '--at', '2020-01-01 10:00')).stderr).to.include('it is over');
    expect((await run('start', '--yes', '--at', 'soon')).stderr).to.include('not a time');
    expect((await run('stop', '--yes')).stdout).to.match(/^no contest runs/);
  });

  it('a locked site starts none, unless it is overridden; all of it is in the log', async () => {
    const config = test.site.file;
    await prolo(['lock', '--reason', 'the final'], { config });
    expect((await run('start', '--yes')).status).to.equal(6);
    expect((await run('start', '--yes', '--override', 'now')).status).to.equal(0);
    expect((await prolo(['site', 'log', '--of', 'audit'], { config })).stdout)
      .to.match(/contest: epoch \d+: from /)
      .and.match(/contest: epoch \d+: does not run/);
  });
});

describe('prolo contest, of homes', function () {
  this.timeout(60_000);
  let test: TestSite;
  const run = (...args: string[]) => prolo(['contest', ...args], { config: test.site.file });
  const home = { hfs: 0, epoch: 1, last_epoch: 1, state: 'here', size_bytes: 1, changed_at: '' };
  before(async () => {
    test = await makeTestSite();
    await fillSite(test.site, await test.store(), 3);
    const { knex } = await test.store();
    const since = new Date().toISOString();
    await knex('presence').insert({ login: 'u1', hostname: 'm1', ip: '192.168.0.1', since });
    await knex('home_sessions').insert({ login: 'u1', hostname: 'm1', since, set: 'usual' });
    await knex('homes').insert([
      { ...home, login: 'u1', set: 'usual' },
      { ...home, login: 'u2', set: 'contest' },
    ]);
    await knex('home_choices').insert({ login: 'u3', set: 'usual' });
  });
  after(() => test.remove());

  it('plan says how many are made, how many are there, and who keeps theirs', async () => {
    const { stdout } = await run('plan');
    expect(stdout).to.include(
      `homes         2 contestants get one of the set contest at their next login:
              1 to be made, 1 there
              1 keep theirs until they log out: u1 (m1)
              not u3 (\`prolo hfs choose\`)
`,
    );
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).to.be.at.most(80);
    const { stderr } = await run('start', '--dry-run', '--homes', 'semifinal');
    expect(stderr).to.match(/one of the set semifinal at their next login:\n +2 to be made, 0 there\n/);
    expect((await run('start', '--dry-run', '--homes', 'usual')).stderr).to.match(/homes +stay as they are/);
    expect((await run('start', '--yes', '--homes', '../x')).stderr).to.include('not the name of a set');
  });

  it('status names who still has another one, and is 1 for it', async () => {
    expect((await run('start', '--yes')).status).to.equal(0);
    const shown = await run('status');
    expect(shown.status).to.equal(1);
    expect(shown.stdout).to.match(/LOGIN +SEAT +HOME +WANTED\nu1 +m1 +usual +contest\n/);
    const { homes } = JSON.parse((await run('status', '--json')).stdout) as { homes: unknown };
    expect(homes).to.deep.equal([{ login: 'u1', hostname: 'm1', has: 'usual', wanted: 'contest' }]);
    const { stderr } = await run('stop', '--yes');
    expect(stderr).to.include('the usual ones are back at the next login; both are kept');
    expect((await run('status')).stdout).not.to.include('WANTED\nu1');
  });
});
