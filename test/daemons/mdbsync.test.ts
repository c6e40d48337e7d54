import { join } from 'node:path';
import { expect } from 'chai';
import { start } from '../../src/daemons/mdbsync.ts';
import { runOk } from '../../src/lib/exec.ts';
import type { RunningDaemon } from '../../src/lib/http/daemon.ts';
import { silentLog } from '../../src/lib/log.ts';
import { changeMachines, listMachines, updateMachine } from '../../src/lib/mdb/machines.ts';
import { type Machine, toRecord } from '../../src/lib/mdb/record.ts';
import { makeToken } from '../../src/lib/rpc/token.ts';
import { change } from '../../src/lib/store/change-log.ts';
import type { Store } from '../../src/lib/store/store.ts';
import { follow, pollRequest, postSigned, rawRequest } from '../support/feed.ts';
import { fuzzFeed } from '../support/fuzz-feed.ts';
import { killFeed } from '../support/kill-feed.ts';
import { startProcess } from '../support/processes.ts';
import { needs } from '../support/needs.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';
import { onBothStores } from '../support/stores.ts';

const mac = (n: number): string => `02:00:00:00:00:${n.toString(16).padStart(2, '0')}`;
const machine = (n: number, more: object = {}) => ({
  hostname: `m${n}`,
  mac: mac(n),
  mtype: 'user',
  ...more,
});

interface Running {
  site: TestSite['site'];
  store: Store;
  daemon: RunningDaemon & { url: string };
  publish: string;
  subscribe: string;
  add(first: number, last: number): Promise<Machine[]>;
}

/** Starts the daemon on `store`, or on the site's own SQLite; all of it ends after the test. */
function starter(): (store?: Store, config?: Record<string, unknown>, machines?: number) => Promise<Running> {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  return async (given, config, machines = 0) => {
    const test = await makeTestSite(config);
    const { site } = test;
    const store = given ?? (await test.store());
    const add = async (first: number, last: number): Promise<Machine[]> => {
      const wishes = Array.from({ length: last - first + 1 }, (_, i) => ({ input: machine(first + i) }));
      return (await changeMachines(store, site.config, 'test', () => ({ wishes }))).create;
    };
    await add(1, machines);
    const daemon = await start({ site, log: silentLog, store: () => Promise.resolve(store) });
    cleanups.push(test.remove, () => daemon.close());
    return {
      site,
      store,
      daemon: { ...daemon, url: daemon.url! },
      publish: site.secret('mdbsync.publish'),
      subscribe: site.secret('mdbsync.subscribe'),
      add,
    };
  };
}

onBothStores('mdbsync', (fresh) => {
  const run = starter();

  it('answers a SADM client: the whole state at once, then a line for each change', async () => {
    const { site, store, daemon, subscribe } = await run(await fresh(), {}, 2);
    const [first] = await listMachines(store.knex);
    const feed = rawRequest(daemon.url, pollRequest(subscribe));
    expect(await feed.lines(1)).to.deep.equal([
      (await listMachines(store.knex)).map((one) => ({ type: 'update', data: toRecord(one) })),
    ]);
    await updateMachine(store, site.config, 'test', 'm1', { rfs: 3, aliases: ['rfs3'] });
    await updateMachine(store, site.config, 'test', 'm1', {
      is_faulty: true,
      is_faulty_details: 'écran "noir"',
    });
    const [, second, third] = await feed.lines(3);
    const record = { ...toRecord(first!), rfs: 3, aliases: 'rfs3' };
    expect(second).to.deep.equal([{ type: 'update', data: record }]);
    expect(third).to.deep.equal([
      { type: 'update', data: { ...record, is_faulty: true, is_faulty_details: 'écran "noir"' } },
    ]);
    expect(feed.text()).to.match(/^HTTP\/1\.1 200 OK\r\n/);
    expect(feed.text().toLowerCase()).to.include('transfer-encoding: chunked');
    feed.socket.destroy();
  });

  it('shows a changed MAC as the old one deleted and the new one created, in one line', async () => {
    const { site, store, daemon, subscribe } = await run(await fresh(), {}, 1);
    const [before] = await listMachines(store.knex);
    const follower = follow({ url: daemon.url, secret: subscribe, pk: 'mac' });
    await follower.until(() => follower.changes.length === 1);
    await updateMachine(store, site.config, 'test', 'm1', { mac: mac(9) });
    await follower.until(() => follower.changes.length === 2);
    expect(follower.changes[1]).to.deep.equal({ [mac(1)]: 'deleted', [mac(9)]: 'created' });
    expect([...follower.state.values()]).to.deep.equal([{ ...toRecord(before!), mac: mac(9) }]);
    await follower.stop();
  });

  it('publishes what is posted to /update from the change log', async () => {
    const { store, daemon, subscribe, publish } = await run(await fresh(), {}, 2);
    const [one, two] = await listMachines(store.knex);
    const feed = rawRequest(daemon.url, pollRequest(subscribe));
    await feed.lines(1);
    const updates = [
      { type: 'update', data: { ...toRecord(one!), room: 'alt', aliases: 'x,y' } },
      { type: 'delete', data: toRecord(two!) },
      { type: 'update', data: { ...toRecord(two!), hostname: 'm3', mac: mac(3) } },
    ];
    const answer = await postSigned(`${daemon.url}/update`, publish, JSON.stringify(updates));
    expect(answer).to.deep.equal({ status: 200, text: 'ok\n' });
    const [, line] = await feed.lines(2);
    expect(line).to.have.deep.members(updates);
    expect(
      (await listMachines(store.knex)).map(({ hostname, aliases }) => [hostname, aliases]),
    ).to.deep.equal([
      ['m1', 'x,y'],
      ['m3', ''],
    ]);
    feed.socket.destroy();
  });

  it('shows what another process changes, each change once, in order and within 50 ms', async () => {
    const { site, store, daemon, subscribe } = await run(await fresh());
    const arrivals: number[] = [];
    const seen: unknown[] = [];
    const feed = rawRequest(daemon.url, pollRequest(subscribe));
    await feed.lines(1);
    feed.socket.on('data', () => {
      const count =
        feed
          .text()
          .split('\n')
          .filter((line) => line.startsWith('[')).length - 1;
      while (arrivals.length < count) arrivals.push(performance.timeOrigin + performance.now());
    });
    const writer = startProcess('change-machines.ts', [site.file, store.url, '60', '5']);
    const delays: number[] = [];
    for (let n = 0; n < 60; n++) {
      const { atMs } = await writer.next<{ atMs: number }>();
      await feed.lines(n + 2);
      delays.push(Math.max(0, (arrivals[n] ?? Infinity) - atMs));
    }
    for (const [update] of (await feed.lines(61)).slice(1)) seen.push([update!.type, update!.data.rfs]);
    const expected = Array.from({ length: 60 }, (_, n) => n % 7 === 0 && n >= 20);
    expect(seen.map((one) => (one as string[])[0] === 'delete')).to.deep.equal(expected);
    expect(delays.sort((a, b) => a - b)[30]).to.be.below(50);
    feed.socket.destroy();
    await writer.kill();
  });

  it('goes on when the connection that listens is cut, and skips nothing', async () => {
    const { store, daemon, subscribe, add } = await run(await fresh());
    const feed = rawRequest(daemon.url, pollRequest(subscribe));
    await feed.lines(1);
    if (store.client === 'pg')
      await store.knex.raw('select pg_terminate_backend(pid) from pg_stat_activity where query ilike ?', [
        'listen%',
      ]);
    for (let n = 1; n <= 5; n++) await add(n, n);
    const names = (await feed.lines(6)).slice(1).map(([update]) => update!.data.hostname);
    expect(names).to.deep.equal(['m1', 'm2', 'm3', 'm4', 'm5']);
    feed.socket.destroy();
  });
});

describe('mdbsync', function () {
  this.timeout(60_000);
  const run = starter();

  it('serves a client in Python', async function () {
    needs(this, { python3: 'python3' });
    const { site, daemon, subscribe, publish, store } = await run(undefined, {}, 2);
    const script = join(import.meta.dirname, '../support/sadm-client.py');
    const note = 'écran "noir"';
    await updateMachine(store, site.config, 'test', 'm1', { is_faulty: true });
    const { stdout } = await runOk([
      'python3',
      script,
      daemon.url,
      subscribe,
      publish,
      'is_faulty_details',
      note,
    ]);
    const [first, second] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object[]);
    const machines = (await listMachines(store.knex)).map(toRecord);
    expect(machines[0]).to.include({ hostname: 'm1', is_faulty_details: note });
    expect(first).to.have.length(2);
    expect(second).to.deep.equal([{ type: 'update', data: machines[0] }]);
  });

  it('speaks HTTP/1.0 too, as nginx does by default', async () => {
    const { daemon, subscribe, add } = await run(undefined, {}, 1);
    const feed = rawRequest(daemon.url, pollRequest(subscribe, '1.0'));
    await feed.lines(1);
    await add(2, 2);
    await feed.lines(2);
    const body = feed.text().split('\r\n\r\n')[1]!;
    expect(
      body
        .split('\n')
        .slice(0, 2)
        .map((line) => (JSON.parse(line) as object[]).length),
    ).to.deep.equal([1, 1]);
    feed.socket.destroy();
  });

  it('counts what it does', async () => {
    const { daemon, subscribe, add } = await run();
    const feed = rawRequest(daemon.url, pollRequest(subscribe));
    await feed.lines(1);
    await add(1, 1);
    await feed.lines(2);
    const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
    expect(metrics).to.match(/^prolo_feed_subscribers 1$/m);
    expect(metrics).to.match(/^prolo_feed_lines_total 1$/m);
    feed.socket.destroy();
  });

  it('drops a subscriber that never reads, and the others have every line as before', async () => {
    const { store, daemon, subscribe } = await run(undefined, { feed: { maxBehindBytes: 65_536 } }, 1);
    const quick = Array.from({ length: 5 }, () => rawRequest(daemon.url, pollRequest(subscribe)));
    await Promise.all(quick.map((feed) => feed.lines(1)));
    const details = 'x'.repeat(100_000);
    let sent = 1;
    /** How long a long line takes to the last of the quick ones. */
    const round = async (): Promise<number> => {
      const data = machine(1, { is_faulty_details: `${sent} ${details}` });
      await change(store, 'mdb', 'test', () =>
        Promise.resolve({ value: 0, updates: [{ type: 'update', data }] }),
      );
      const startedMs = performance.now();
      sent++;
      await Promise.all(quick.map((feed) => feed.lines(sent)));
      return performance.now() - startedMs;
    };
    const dropped = async (): Promise<boolean> =>
      /^prolo_feed_dropped_total 1$/m.test(await (await fetch(`${daemon.url}/metrics`)).text());
    const rounds = async (count: number): Promise<number> => {
      const times: number[] = [];
      while (times.length < count && !(await dropped())) times.push(await round());
      return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
    };
    const aloneMs = await rounds(10);
    const slow = rawRequest(daemon.url, pollRequest(subscribe));
    slow.socket.pause();
    const togetherMs = await rounds(400);
    expect(await dropped()).to.equal(true);
    expect(togetherMs).to.be.below(10 * aloneMs + 50);
    for (const feed of [slow, ...quick]) feed.socket.destroy();
  });

  it('refuses at /poll whoever has no token of now for the subscribe secret', async () => {
    const { daemon, subscribe, publish } = await run();
    const now = Date.now();
    const good = makeToken(subscribe, 'None', now);
    for (const query of [
      '',
      '?data={}',
      `?data={}&hmac=${makeToken(publish, 'None', now)}`,
      `?data={}&hmac=${makeToken(subscribe, '{}', now)}`,
      `?data={}&hmac=${makeToken(subscribe, 'None', now - 125_000)}`,
      `?data={}&hmac=${makeToken(subscribe, 'None', now + 125_000)}`,
      `?hmac=${good}&hmac=${good}`,
      `?hmac=${good}0`,
      '?hmac=%ff%fe',
    ]) {
      const response = await fetch(`${daemon.url}/poll${query}`);
      expect(response.status, query).to.equal(403);
      expect(await response.text()).to.match(/^token: /);
    }
  });

  it('has one answer for each kind of bad /update, and does nothing of it', async () => {
    const { store, daemon, publish, subscribe } = await run(undefined, {}, 1);
    const good = { type: 'update', data: machine(7) };
    const post = (body: string | Buffer, type = 'application/x-www-form-urlencoded') =>
      fetch(`${daemon.url}/update`, { method: 'POST', body, headers: { 'content-type': type } });
    const signed = (data: string, nowMs = Date.now(), secret = publish) =>
      new URLSearchParams({ data, hmac: makeToken(secret, data, nowMs) }).toString();
    const list = (...updates: unknown[]) => signed(JSON.stringify([good, ...updates]));
    const cases: [string, string | Buffer, number, string, string?][] = [
      ['no form', '', 400, 'form: field data is missing'],
      ['another field', 'data=[]&hmac=x&x=1', 400, 'form: field "x" is unknown'],
      ['a field twice', 'data=[]&data=[]', 400, 'form: field data is there twice'],
      ['bytes that are no UTF-8', Buffer.from('data=\xff&hmac=x', 'latin1'), 400, 'no UTF-8'],
      ['an escape that is no UTF-8', 'data=%ff&hmac=x', 400, 'no UTF-8'],
      ['a broken escape', 'data=%zz&hmac=x', 400, 'no UTF-8'],
      ['JSON in place of a form', '{"data":[]}', 415, 'Unsupported Media Type', 'application/json'],
      ['no token', 'data=[]', 403, 'token: '],
      ['a token for other data', `data=[]&hmac=${makeToken(publish, '[1]', Date.now())}`, 403, 'token: '],
      ['the subscribe secret', signed('[]', Date.now(), subscribe), 403, 'token: '],
      ['an old token', signed('[]', Date.now() - 125_000), 403, 'token: '],
      ['a token from the future', signed('[]', Date.now() + 125_000), 403, 'token: '],
      ['no JSON', signed('[{'), 400, 'data: no JSON'],
      ['no list', signed('{}'), 400, 'data: expected a list'],
      ['null', list(null), 400, 'update 2: the update: must be object'],
      ['another type', list({ type: 'insert', data: {} }), 400, 'update 2: type: must be equal to one of'],
      ['an unknown member', list({ ...good, why: 1 }), 400, 'update 2: the update: unknown field "why"'],
      [
        'an unknown field',
        list({ type: 'update', data: machine(8, { os: 1 }) }),
        400,
        'data: unknown field "os"',
      ],
      [
        'a prototype',
        list(JSON.parse('{"type":"update","data":{"mac":"x","__proto__":{}}}')),
        400,
        '"__proto__"',
      ],
      [
        'a wrong type',
        list({ type: 'update', data: machine(8, { rfs: '1' }) }),
        400,
        'data.rfs: must be integer',
      ],
      ['no key', list({ type: 'delete', data: { hostname: 'm1' } }), 400, 'update 2: data.mac: missing'],
      [
        'a name that BIND refuses',
        list({ type: 'update', data: machine(8, { hostname: 'a_b' }) }),
        400,
        '"a_b"',
      ],
      [
        'a name with a newline',
        list({ type: 'update', data: machine(8, { hostname: 'a\nb' }) }),
        400,
        '"a\\nb"',
      ],
      [
        'a name with a semicolon',
        list({ type: 'update', data: machine(8, { hostname: 'a;b' }) }),
        400,
        '"a;b"',
      ],
      ["another's name", list({ type: 'update', data: machine(8, { aliases: 'm1' }) }), 409, 'm1'],
      ['deep nesting', signed('['.repeat(200_000)), 400, 'data: no JSON'],
      ['1 MiB and more', `data=${'x'.repeat(1024 * 1024)}`, 413, 'too large'],
    ];
    for (const [title, body, status, text, type] of cases) {
      const response = await post(body, type);
      expect(response.status, title).to.equal(status);
      expect(await response.text(), title).to.include(text);
    }
    expect((await fetch(`${daemon.url}/update?${list()}`)).status).to.equal(404);
    expect((await listMachines(store.knex)).map(({ hostname }) => hostname)).to.deep.equal(['m1']);
    expect((await post(list())).status).to.equal(200);
  });

  it('takes the last of several updates of one machine', async () => {
    const { store, daemon, publish } = await run();
    const updates = [1, 2, 3].map((rfs) => ({ type: 'update', data: machine(1, { rfs }) }));
    expect((await postSigned(`${daemon.url}/update`, publish, JSON.stringify(updates))).status).to.equal(200);
    expect((await listMachines(store.knex)).map(({ rfs }) => rfs)).to.deep.equal([3]);
  });

  it('ends a connection that asks again while its feed is open', async () => {
    const { daemon, subscribe } = await run();
    const feed = rawRequest(daemon.url, pollRequest(subscribe));
    await feed.lines(1);
    feed.socket.write('GET /__ping HTTP/1.1\r\nHost: x\r\n\r\n');
    await feed.closed;
    expect(feed.text()).not.to.include('pong');
    const pipelined = rawRequest(daemon.url, pollRequest(subscribe).repeat(50));
    await pipelined.closed;
    expect(await (await fetch(`${daemon.url}/__ping`)).text()).to.equal('pong');
    expect(await (await fetch(`${daemon.url}/metrics`)).text()).to.match(/^prolo_feed_subscribers 0$/m);
  });

  it('closes within 2 s with feeds open', async () => {
    const { daemon, subscribe } = await run();
    const feeds = Array.from({ length: 50 }, () => rawRequest(daemon.url, pollRequest(subscribe)));
    await Promise.all(feeds.map((feed) => feed.lines(1)));
    const startedMs = performance.now();
    await daemon.close();
    await Promise.all(feeds.map(({ closed }) => closed));
    expect(performance.now() - startedMs).to.be.below(2_000);
  });
});

describe('mdbsync and udbsync', function () {
  this.timeout(180_000);

  it('outlive 1,000 requests that nobody would send, and keep their subscribers', async () => {
    const statuses = await fuzzFeed(1000);
    for (const status of ['200', '400', '403', '404', '409', '415'])
      expect(statuses, `${status} was met`).to.have.property(status);
  });
});

onBothStores('mdbsync, killed', (fresh) => {
  it('leaves its subscribers with exactly what the store has, each change reported', async () => {
    expect(await killFeed(await fresh(), 2, 2)).to.be.above(40);
  });
});
