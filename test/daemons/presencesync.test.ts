import { expect } from 'chai';
import fc from 'fast-check';
import { start } from '../../src/daemons/presencesync.ts';
import { silentLog } from '../../src/lib/log.ts';
import { changeMachines, removeMachines, updateMachine } from '../../src/lib/mdb/machines.ts';
import { findPresence, listPresence } from '../../src/lib/presence/table.ts';
import { removeUsers } from '../../src/lib/udb/users.ts';
import { ask, auditLines, getList, type PresenceSite, presenceStarter } from '../lib/presence/support.ts';
import { follow, type Follower, pollRequest, rawRequest } from '../support/feed.ts';
import { makeTestSite } from '../support/site.ts';
import { onBothStores } from '../support/stores.ts';

const REFUSALS: [string, object, number, string][] = [
  ['nobody that UDB has', { login: 'nobody', hostname: 'm2' }, 423, 'nobody is not in UDB: ask an organiser'],
  ['no machine of MDB', { login: 'u2', hostname: 'm77' }, 423, 'm77 is not in MDB: ask an organiser'],
  ['logged on elsewhere', { login: 'u1', hostname: 'm2' }, 423, 'you are logged on at m1'],
  ['a busy machine', { login: 'u2', hostname: 'm1' }, 423, 'u1 is logged on at m1'],
  [
    "a contestant at an organisers' machine",
    { login: 'u2', hostname: 'orga1' },
    423,
    'orga1 is not for contestants: it is a machine of type orga',
  ],
];

const BAD: [string, unknown][] = [
  ['a login with a slash', { login: '../u1', hostname: 'm1' }],
  ['an upper-case login', { login: 'U1', hostname: 'm1' }],
  ['no hostname', { login: 'u1' }],
  ['no login', { hostname: 'm1' }],
  ['one more field', { login: 'u1', hostname: 'm1', force: true }],
  ['a number', { login: 1, hostname: 'm1' }],
  ['a list', []],
  ['null', null],
  ['no JSON', 'login=u1'],
  ['a name of DNS', { login: 'u1', hostname: 'm1.finals.example' }],
  ['a blank', { login: 'u1 m2', hostname: 'm1' }],
];

onBothStores('presencesync', (fresh) => {
  const run = presenceStarter();
  const followers: Follower[] = [];
  afterEach(async () => {
    for (const one of followers.splice(0)) await one.stop();
  });
  const subscribe = async ({ url, site }: PresenceSite): Promise<Follower> => {
    const follower = follow({ url, secret: site.secret('presencesync.subscribe'), pk: 'login' });
    followers.push(follower);
    await follower.until(() => follower.changes.length === 1);
    return follower;
  };

  it('a login and a logout go to the store, to subscribers, to the list and to the audit', async () => {
    const test = await run({ store: await fresh() });
    const feed = rawRequest(test.url, pollRequest(test.site.secret('presencesync.subscribe')));
    await feed.lines(1);
    const before = new Date().toISOString();
    expect(await ask(test, 'login', { login: 'u1', hostname: 'm1' })).to.include({ status: 200 });
    expect(await getList(test)).to.deep.equal({ u1: 'm1' });
    const row = await findPresence(test.db.knex, 'u1');
    expect(row).to.include({ login: 'u1', hostname: 'm1' });
    expect(row!.ip).to.match(/^192\.168\./);
    expect(row!.since >= before).to.equal(true);
    expect(await ask(test, 'login', { login: 'u1', hostname: 'm1' })).to.include({ status: 200 });
    expect(await ask(test, 'logout', { login: 'u1', hostname: 'm1' })).to.include({ status: 200 });
    expect(await ask(test, 'logout', { login: 'u1', hostname: 'm1' })).to.deep.equal({
      status: 500,
      text: 'u1 is not logged on',
    });
    expect(await getList(test)).to.deep.equal({});
    const data = { login: 'u1', hostname: 'm1' };
    expect((await feed.lines(3)).slice(1)).to.deep.equal([
      [{ type: 'update', data }],
      [{ type: 'delete', data }],
    ]);
    expect(await auditLines(test.db)).to.deep.equal([
      'presencesync 127.0.0.1 | presence login: u1 at m1',
      'presencesync 127.0.0.1 | presence logout: u1 at m1',
      'presencesync 127.0.0.1 | presence refused: u1 at m1: u1 is not logged on',
    ]);
    feed.socket.destroy();
  });

  it('refuses with a sentence, which the audit has too', async () => {
    const test = await run({ store: await fresh() });
    await ask(test, 'login', { login: 'u1', hostname: 'm1' });
    for (const [what, data, status, text] of REFUSALS)
      expect(await ask(test, 'login', data), what).to.deep.equal({ status, text });
    const lines = await auditLines(test.db);
    for (const [, , , text] of REFUSALS)
      expect(lines.some((line) => line.endsWith(`: ${text}`))).to.equal(true);
    expect(await ask(test, 'login', { login: 'boss', hostname: 'orga1' })).to.include({ status: 200 });
    expect(await getList(test)).to.deep.equal({ u1: 'm1', boss: 'orga1' });
  });

  it('of two seats that ask for one login at one moment, exactly one wins, 50 times', async () => {
    const test = await run({ store: await fresh() });
    for (let round = 0; round < 50; round++) {
      const answers = await Promise.all(
        ['m1', 'm2'].map((hostname) => ask(test, 'login', { login: 'u1', hostname })),
      );
      expect(answers.map(({ status }) => status).sort(), `round ${round}`).to.deep.equal([200, 423]);
      const winner = `m${answers.findIndex(({ status }) => status === 200) + 1}`;
      expect(answers.find(({ status }) => status === 423)!.text).to.equal(`you are logged on at ${winner}`);
      expect(await getList(test)).to.deep.equal({ u1: winner });
      await ask(test, 'logout', { login: 'u1', hostname: winner });
    }
  });

  it('of two logins that ask for one machine at one moment, exactly one wins, 50 times', async () => {
    const test = await run({ store: await fresh() });
    for (let round = 0; round < 50; round++) {
      const answers = await Promise.all(
        ['u1', 'u2'].map((login) => ask(test, 'login', { login, hostname: 'm1' })),
      );
      expect(answers.map(({ status }) => status).sort(), `round ${round}`).to.deep.equal([200, 423]);
      const winner = `u${answers.findIndex(({ status }) => status === 200) + 1}`;
      expect((await listPresence(test.db.knex)).map(({ login }) => login)).to.deep.equal([winner]);
      await ask(test, 'logout', { login: winner, hostname: 'm1' });
    }
  });

  it('what another process wrote wins: the database refuses, and so does the second', async () => {
    const test = await run({ store: await fresh() });
    const second = await makeTestSite();
    const other = await start({ site: second.site, log: silentLog, store: () => Promise.resolve(test.db) });
    try {
      for (let round = 0; round < 10; round++) {
        const answers = await Promise.all([
          ask(test, 'login', { login: 'u1', hostname: 'm1' }),
          ask({ url: other.url!, site: second.site }, 'login', { login: 'u1', hostname: 'm2' }),
        ]);
        expect(answers.map(({ status }) => status).sort(), JSON.stringify(answers)).to.deep.equal([200, 423]);
        const [row] = await listPresence(test.db.knex);
        expect(answers.find(({ status }) => status === 423)!.text).to.equal(
          `you are logged on at ${row!.hostname}`,
        );
        await ask(test, 'logout', { login: 'u1', hostname: row!.hostname });
        const follower = follow({ url: other.url!, secret: second.site.secret('presencesync.subscribe'), pk: 'login' }); // prettier-ignore
        await follower.until(() => follower.changes.length > 0 && follower.state.size === 0);
        await follower.stop();
      }
    } finally {
      await other.close();
      await second.remove();
    }
  });

  it('a stale login does not stay mapped after logout', async () => {
    const test = await run({ store: await fresh() });
    const follower = await subscribe(test);
    await ask(test, 'login', { login: 'u1', hostname: 'm1' });
    await ask(test, 'logout', { login: 'u1', hostname: 'm1' });
    await follower.until(() => follower.changes.length === 3);
    expect(follower.state.size).to.equal(0);
    const late = await ask(test, 'heartbeat', { login: 'u1', hostname: 'm1' });
    expect(late).to.deep.equal({ status: 423, text: 'your session at m1 has ended: log in again' });
    expect(await getList(test)).to.deep.equal({});
    expect(await ask(test, 'login', { login: 'u1', hostname: 'm1' })).to.include({ status: 200 });
    expect(await ask(test, 'heartbeat', { login: 'u1', hostname: 'm1' })).to.include({ status: 200 });
  });

  it('a session that is not heard of expires; its heartbeat brings it back, unless its place was taken', async () => {
    const test = await run({ store: await fresh(), config: { presence: { timeoutSeconds: 2 } } });
    const follower = await subscribe(test);
    await ask(test, 'login', { login: 'u1', hostname: 'm1' });
    await follower.until(() => follower.changes.some((change) => change.u1 === 'deleted'), 10_000);
    expect(await ask(test, 'heartbeat', { login: 'u1', hostname: 'm1' })).to.include({ status: 200 });
    expect(await getList(test)).to.deep.equal({ u1: 'm1' });
    const gone = (): boolean => follower.changes.filter((change) => change.u1 === 'deleted').length === 2;
    await follower.until(gone, 10_000);
    expect(await ask(test, 'login', { login: 'u1', hostname: 'm2' })).to.include({ status: 200 });
    await ask(test, 'logout', { login: 'u1', hostname: 'm2' });
    expect(await ask(test, 'heartbeat', { login: 'u1', hostname: 'm1' })).to.include({ status: 423 });
    expect(await getList(test)).to.deep.equal({});
    expect(await auditLines(test.db)).to.include.members([
      `presencesync ${(await machineIp(test, 'm1'))!} | presence expired: u1 at m1`,
      'presencesync 127.0.0.1 | presence login: u1 at m1: by a heartbeat',
    ]);
  });

  it('a heartbeat keeps a session, and writes nothing', async () => {
    const test = await run({ store: await fresh(), config: { presence: { timeoutSeconds: 2 } } });
    await ask(test, 'login', { login: 'u1', hostname: 'm1' });
    await ask(test, 'login', { login: 'u2', hostname: 'm2' });
    const lines = (await auditLines(test.db)).length;
    const follower = await subscribe(test);
    const timer = setInterval(() => void ask(test, 'heartbeat', { login: 'u1', hostname: 'm1' }), 300);
    await follower.until(() => follower.changes.some((change) => change.u2 === 'deleted'), 10_000);
    clearInterval(timer);
    expect([...follower.state.keys()]).to.deep.equal(['u1']);
    expect((await auditLines(test.db)).length).to.equal(lines + 1);
  });

  it('whose user or machine is removed is logged on no more', async () => {
    const test = await run({ store: await fresh() });
    const { config } = test.site;
    const follower = await subscribe(test);
    for (const n of [1, 2, 3]) await ask(test, 'login', { login: `u${n}`, hostname: `m${n}` });
    await removeUsers(test.db, config, 'test', ['u1']);
    await removeMachines(test.db, config, 'test', ['m2']);
    await follower.until(() => follower.state.size === 1);
    expect(await getList(test)).to.deep.equal({ u3: 'm3' });
    expect(
      (await auditLines(test.db))
        .slice(-2)
        .sort()
        .map((line) => line.split(' | ')[1]),
    ).to.deep.equal([
      'presence removed: u1 at m1: not in UDB any more',
      'presence removed: u2 at m2: its machine is not in MDB any more',
    ]);
    expect(await ask(test, 'heartbeat', { login: 'u2', hostname: 'm2' })).to.include({ status: 423 });
  });

  it('a machine speaks for itself alone, the gateway for all', async () => {
    const test = await run({ store: await fresh() });
    const [one, two] = [await machineIp(test, 'm1'), await machineIp(test, 'm2')];
    const pair = { login: 'u1', hostname: 'm1' };
    for (const verb of ['login', 'logout', 'heartbeat'])
      expect(await ask(test, verb, pair, two), verb).to.deep.equal({
        status: 403,
        text: `${two} is not the address of m1`,
      });
    expect(await ask(test, 'login', pair, one)).to.include({ status: 200 });
    expect(await ask(test, 'heartbeat', pair, one)).to.include({ status: 200 });
    await updateMachine(test.db, test.site.config, 'test', 'm1', { aliases: ['seat1'] });
    const follower = await subscribe(test);
    expect(await ask(test, 'logout', { login: 'u1', hostname: 'm1' })).to.include({ status: 200 });
    await follower.until(() => follower.state.size === 0);
    expect(await ask(test, 'login', { login: 'u1', hostname: 'seat1' }, one)).to.include({ status: 200 });
    expect(await getList(test), 'an alias is its machine').to.deep.equal({ u1: 'm1' });
  });

  it('a machine that gets another name keeps its session, which goes on by the old one', async () => {
    const test = await run({ store: await fresh() });
    const { config } = test.site;
    const addresses = await Promise.all(['m1', 'm2'].map((name) => machineIp(test, name)));
    const beat = (n: number) =>
      ask(test, 'heartbeat', { login: `u${n}`, hostname: `m${n}` }, addresses[n - 1]);
    for (const n of [1, 2]) await ask(test, 'login', { login: `u${n}`, hostname: `m${n}` });
    const before = await test.db.knex('presence').orderBy('login');
    const follower = await subscribe(test);
    const where = (): string[] => [...follower.state.values()].map(({ hostname }) => String(hostname)).sort();
    await updateMachine(test.db, config, 'test', 'm1', { hostname: 'n1' });
    await follower.until(() => where().includes('n1'));
    // Each has the other's name.
    await changeMachines(test.db, config, 'test', (all) => ({
      wishes: [
        { machine: all.find(({ hostname }) => hostname === 'n1')!, input: { hostname: 'm2' } },
        { machine: all.find(({ hostname }) => hostname === 'm2')!, input: { hostname: 'n1' } },
      ],
    }));
    await follower.until(() => follower.state.get('u1')?.hostname === 'm2');
    expect(await getList(test)).to.deep.equal({ u1: 'm2', u2: 'n1' });
    expect(await test.db.knex('presence').orderBy('login')).to.deep.equal([
      { ...before[0], hostname: 'm2' },
      { ...before[1], hostname: 'n1' },
    ]);
    for (const n of [1, 2]) expect(await beat(n)).to.include({ status: 200 });
    const said = (await auditLines(test.db)).slice(-2).map((line) => line.split(' | ')[1]);
    expect(said).to.have.members([
      'presence renamed: u1 at m2: it was n1',
      'presence renamed: u2 at n1: it was m2',
    ]);
    // So do its logout, and a login before it has heard of the new one.
    expect(await ask(test, 'logout', { login: 'u2', hostname: 'n1' })).to.include({ status: 200 });
    await updateMachine(test.db, config, 'test', 'n1', { hostname: 'n2' });
    const pair = { login: 'u1', hostname: 'm1' };
    expect(await ask(test, 'logout', pair, addresses[0])).to.include({ status: 200 });
    expect(await getList(test)).to.deep.equal({});
    expect(await ask(test, 'login', pair, addresses[0])).to.include({ status: 200 });
    expect(await getList(test)).to.deep.equal({ u1: 'm2' });
  });

  it('a seat that asks again and again fills no audit', async () => {
    const test = await run({ store: await fresh(), count: 40 });
    const [one] = [await machineIp(test, 'm1')];
    await ask(test, 'login', { login: 'u1', hostname: 'm2' });
    for (let i = 0; i < 30; i++) await ask(test, 'login', { login: 'u1', hostname: 'm1' }, one);
    expect(await auditLines(test.db)).to.have.length(2);
    for (let i = 1; i <= 40; i++) await ask(test, 'login', { login: `x${i}`, hostname: 'm1' }, one);
    expect((await auditLines(test.db)).length).to.be.within(10, 14);
    await test.close();
    const counted = (await auditLines(test.db)).filter((line) => line.includes('more times'));
    expect(counted.map((line) => /\((\d+) more times\)/.exec(line)![1])).to.deep.equal(['29', '30']);
  });

  it('bad input is 400, a bad token 403, and nothing is written', async () => {
    const test = await run({ store: await fresh() });
    for (const verb of ['login', 'logout', 'heartbeat'])
      for (const [what, data] of BAD)
        expect((await ask(test, verb, data)).status, `${verb}: ${what}`).to.equal(400);
    const body = new URLSearchParams({ data: '{"login":"u1","hostname":"m1"}', hmac: '1:00' });
    for (const path of ['login', 'logout', 'heartbeat', 'remove_expired'])
      expect((await fetch(`${test.url}/${path}`, { method: 'POST', body })).status, path).to.equal(403);
    expect((await fetch(`${test.url}/get_list?data={}&hmac=1:00`)).status).to.equal(403);
    expect((await ask(test, 'update', [])).status, 'nobody publishes past it').to.equal(404);
    expect((await ask(test, 'remove_expired', {})).status).to.equal(200);
    expect(await auditLines(test.db)).to.deep.equal([]);
  });

  it('survives 500 requests that no seat would send, and lets nobody in by them', async () => {
    const test = await run({ store: await fresh() });
    const anyName = fc.constantFrom('u1', 'm1', 'orga1', 'boss', '', '__proto__', 'constructor', 'é', 'u1\n', 'a'.repeat(70)); // prettier-ignore
    const anyData = fc.oneof(
      fc.json({ maxDepth: 2 }),
      fc.string(),
      fc.record({ login: anyName, hostname: anyName }).map((data) => JSON.stringify(data)),
    );
    const verbs = fc.constantFrom('login', 'logout', 'heartbeat', 'remove_expired');
    await fc.assert(
      fc.asyncProperty(verbs, anyData, async (verb, data) => {
        const { status } = await ask(test, verb, data);
        expect(status === 500 ? verb === 'logout' : [200, 400, 423].includes(status), `${verb} ${data}: ${status}`).to.equal(true); // prettier-ignore
      }),
      { numRuns: 500 },
    );
    for (const [login, hostname] of Object.entries(await getList(test)))
      expect([login, hostname].join(' ')).to.match(/^(u1|boss) (m1|orga1)$/);
  });

  it('counts refusals as SADM does', async () => {
    const test = await run({ store: await fresh() });
    await ask(test, 'login', { login: 'u1', hostname: 'm1' });
    await ask(test, 'login', { login: 'u1', hostname: 'm2' });
    await ask(test, 'login', { login: 'stranger', hostname: 'm2' });
    const metrics = await (await fetch(`${test.url}/metrics`)).text();
    expect(metrics).to.include('presencesync_login_failed{reason="already_logged",user="u1"} 1');
    expect(metrics).to.include('presencesync_login_failed{reason="user_not_registered",user=""} 1');
    expect(metrics).to.include('prolo_presence_sessions 1');
    expect(metrics).to.include('prolo_presence_events_total{event="login"} 1');
  });
});

async function machineIp({ db }: PresenceSite, hostname: string): Promise<string> {
  const row = (await db.knex('machines').where({ hostname }).first('ip')) as { ip: string };
  return row.ip;
}
