import { expect } from 'chai';
import { start } from '../../src/daemons/mdb.ts';
import { silentLog } from '../../src/lib/log.ts';
import type { MachineInput } from '../../src/lib/mdb/plan.ts';
import { changeMachines, listMachines } from '../../src/lib/mdb/machines.ts';
import { type MachineRecord, toRecord } from '../../src/lib/mdb/record.ts';
import { setSetting } from '../../src/lib/mdb/settings.ts';
import { saveSwitch } from '../../src/lib/mdb/switches.ts';
import { createRpcClient } from '../../src/lib/rpc/client.ts';
import type { Store } from '../../src/lib/store/store.ts';
import { rawRequest } from '../support/feed.ts';
import { callRpc, outcome, postCall, readAnswer } from '../support/rpc.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';
import { onBothStores } from '../support/stores.ts';

const mac = (n: number): string => `02:00:00:00:00:0${n}`;
const MACHINES: MachineInput[] = [
  {
    hostname: 'rhfs01',
    mac: mac(5),
    mtype: 'service',
    room: 'other',
    aliases: ['rfs0', 'hfs0'],
    rfs: 0,
    hfs: 0,
  },
  { hostname: 'pas-r01p02', mac: mac(2), room: 'pasteur', rfs: 1, hfs: 1 },
  {
    hostname: 'pas-r01p01',
    mac: mac(1),
    room: 'pasteur',
    rfs: 0,
    hfs: 0,
    is_faulty: true,
    is_faulty_details: 'écran',
  },
  { hostname: 'alt-r01p01', mac: mac(3), room: 'alt', rfs: 2, hfs: 2, mtype: 'orga' },
];

onBothStores('mdb', (fresh) => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  const run = async (config = {}): Promise<{ url: string; store: Store; site: TestSite['site'] }> => {
    const test = await makeTestSite(config);
    const store = await fresh();
    await changeMachines(store, test.site.config, 'test', () => ({
      wishes: MACHINES.map((input) => ({ input })),
    }));
    const daemon = await start({ site: test.site, log: silentLog, store: () => Promise.resolve(store) });
    cleanups.push(test.remove, () => daemon.close());
    return { url: daemon.url!, store, site: test.site };
  };

  it('tells Prometheus whom to ask: servers by address, and each home file server at its own port', async () => {
    const { url } = await run({ hfs: { url: 'http://hfs{hfs}:{portN}' }, portBase: 20000 });
    const ask = async (kind: string) => (await (await fetch(`${url}/targets/${kind}`)).json()) as unknown;
    const labels = { host: 'rhfs01', room: 'other' };
    expect(await ask('node')).to.deep.equal([{ targets: ['192.168.1.1:9100'], labels }]);
    expect(await ask('hfs')).to.deep.equal([
      { targets: ['192.168.1.1:20100'], labels: { ...labels, hfs: '0' } },
    ]);
  });

  it('answers `curl http://mdb/call/query` with every machine, in order of hostname', async () => {
    const { url, store } = await run();
    const answer = await readAnswer(await fetch(`${url}/call/query`));
    expect(answer.status).to.equal(200);
    expect(answer.contentType).to.equal('application/json');
    const records = answer.body.data as MachineRecord[];
    expect(records.map(({ hostname }) => hostname)).to.deep.equal([
      'alt-r01p01',
      'pas-r01p01',
      'pas-r01p02',
      'rhfs01',
    ]);
    expect(records).to.deep.equal((await listMachines(store.knex)).map(toRecord));
    expect(records[1]).to.have.all.keys(
      'hostname', 'aliases', 'ip', 'mac', 'rfs', 'hfs', 'mtype', 'room', 'is_faulty', 'is_faulty_details',
    ); // prettier-ignore
    expect((await readAnswer(await fetch(`${url}/call/query?hostname=alt-r01p01`))).body.data).to.have.length(
      4,
    );
  });

  it("answers SADM's client, byte for byte: no content type goes in, and one without a charset comes out", async () => {
    const { url } = await run();
    const body = '{"args": [], "kwargs": {"hostname": "rfs0"}}\n';
    const feed = rawRequest(
      url,
      `POST /call/query HTTP/1.1\r\nHost: mdb\r\nAccept: */*\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    await feed.closed;
    expect(feed.text()).to.match(/^HTTP\/1\.1 200 OK\r\n/);
    expect(feed.text()).to.match(/\r\ncontent-type: application\/json\r\n/i);
    expect(feed.text()).to.include('{"type":"result","data":[{"hostname":"rhfs01","aliases":"rfs0,hfs0"');
  });

  it('filters as Django does', async () => {
    const { url } = await run();
    const find = async (kwargs: Record<string, unknown>): Promise<unknown> => {
      const found = outcome(await callRpc(url, 'query', kwargs));
      return Array.isArray(found)
        ? (found as MachineRecord[]).map(({ hostname }) => hostname).join(' ')
        : found;
    };
    expect(await find({ hostname: 'rfs0' })).to.equal('rhfs01');
    expect(await find({ hostname__startswith: 'pas-' })).to.equal('pas-r01p01 pas-r01p02');
    expect(await find({ rfs__in: ['0', 2] })).to.equal('alt-r01p01 pas-r01p01 rhfs01');
    expect(await find({ mtype: 'user', rfs__gt: 0 })).to.equal('pas-r01p02');
    expect(await find({ mac: '0200.0000.0003' })).to.equal('alt-r01p01');
    expect(await find({ ip__range: ['192.168.1.0', '192.168.1.255'] })).to.equal('rhfs01');
    expect(await find({ room__iregex: '^PAS' })).to.equal('pas-r01p01 pas-r01p02');
    expect(await find({ is_faulty: true })).to.include("500 FieldError: Cannot resolve keyword 'is_faulty'");
    expect(await find({ id: 1 })).to.include('500 FieldError: ');
    expect(await find({ hostname__regex: '(' })).to.include('500 ValueError: ');
    expect(outcome(await postCall(url, 'query', '{"args": ["x"]}'))).to.include(
      '500 TypeError: query() takes no positional',
    );
  });

  it('lists switches in order of rfs, hfs, name', async () => {
    const { url, store, site } = await run();
    for (const [name, chassis, rfs] of [
      ['sw-b', mac(8), 2],
      ['sw-c', mac(7), 0],
      ['sw-a', mac(6), 2],
    ] as const)
      await saveSwitch(store, site.config, 'test', { name, chassis, rfs, hfs: rfs, room: 'alt' });
    const names = async (kwargs = {}): Promise<string[]> =>
      ((await callRpc(url, 'switches', kwargs)).body.data as { name: string }[]).map(({ name }) => name);
    expect(await names()).to.deep.equal(['sw-c', 'sw-a', 'sw-b']);
    expect(await names({ chassis__in: ['02-00-00-00-00-07'] })).to.deep.equal(['sw-c']);
    expect((await callRpc(url, 'switches', { name: 'sw-c' })).body.data).to.deep.equal([
      { name: 'sw-c', chassis: mac(7), rfs: 0, hfs: 0, room: 'alt' },
    ]);
    expect(outcome(await callRpc(url, 'switches', { hostname: 'x' }))).to.include('500 FieldError: ');
  });

  it('registers a machine only while the setting says so', async () => {
    const { url, store } = await run();
    const asked = {
      hostname: 'pas-r09p09',
      mac: '02-00-00-00-00-0A',
      rfs: '3',
      hfs: 3,
      room: 'pasteur',
      mtype: 'user',
    };
    const refused = await callRpc(url, 'register', asked);
    expect(refused.contentType).to.equal('application/json');
    expect(refused.body).to.deep.equal({
      type: 'exception',
      exn_type: 'RuntimeError',
      exn_message: 'self registration is disabled',
      exn_traceback: [],
    });
    expect(refused.status).to.equal(500);
    await setSetting(store, 'test', 'allow_self_registration', 'true');
    expect(outcome(await callRpc(url, 'register', asked))).to.equal('192.168.0.4');
    const machine = (await listMachines(store.knex)).find(({ hostname }) => hostname === 'pas-r09p09')!;
    expect(machine).to.include({ mac: '02:00:00:00:00:0a', rfs: 3, hfs: 3, ip: '192.168.0.4' });
    const again = { ...asked, mac: '02:00:00:00:00:0b' };
    expect(outcome(await callRpc(url, 'register', again))).to.match(/^500 RuntimeError: .*pas-r09p09/);
    const change = (await store.knex('changes').orderBy('seq', 'desc').first('actor')) as { actor: string };
    expect(change.actor).to.match(/^mdb 127\.0\.0\.1$/);
  });

  it('refuses what no machine can be, and takes arguments by position', async () => {
    const { url, store } = await run({ netboot: { registrationsPerMinute: 100 } });
    await setSetting(store, 'test', 'allow_self_registration', 'true');
    const register = async (...args: unknown[]): Promise<unknown> =>
      outcome(await postCall(url, 'register', JSON.stringify({ args })));
    for (const name of ['a_b', 'a;b', 'a\nb', 'a b', '', 'x'.repeat(64), 'é'])
      expect(await register(name, mac(9), 0, 0, 'alt', 'user'), name).to.match(/^500 ValueError: /);
    expect(await register('m1', 'nonsense', 0, 0, 'alt', 'user')).to.match(/^500 ValueError: .*nonsense/);
    expect(await register('m1', mac(9), -1, 0, 'alt', 'user')).to.match(/^500 ValueError: /);
    expect(await register('m1', mac(9), 'x', 0, 'alt', 'user')).to.match(
      /'rfs': expected a file server's number/,
    );
    expect(await register('m1', mac(9), 0, 0, 'nowhere', 'user')).to.match(/^500 ValueError: .*nowhere/);
    expect(await register('m1', mac(9), 0, 0, 'alt', 'root')).to.match(/^500 ValueError: .*root/);
    expect(await register('m1', mac(9), 0, 0, 'alt')).to.match(
      /^500 TypeError: .*missing required argument: 'mtype'/,
    );
    expect(await register('m1', mac(9), 0, 0, 'alt', 'user')).to.equal('192.168.0.4');
  });

  it('limits registrations by who asks', async () => {
    const { url } = await run({ netboot: { registrationsPerMinute: 2 } });
    const asked = { hostname: 'a', mac: mac(9), rfs: 0, hfs: 0, room: 'alt', mtype: 'user' };
    expect((await callRpc(url, 'register', asked)).status).to.equal(500);
    expect((await callRpc(url, 'register', asked)).status).to.equal(500);
    expect(outcome(await callRpc(url, 'register', asked))).to.equal(
      '429 RuntimeError: registration: too many from 127.0.0.1; wait a minute',
    );
    expect((await fetch(`${url}/call/query`)).status).to.equal(200);
  });

  it('is an Ansible inventory', async () => {
    const { url } = await run();
    const inventory = (await readAnswer(await fetch(`${url}/call/ansible`))).body.data;
    expect(inventory).to.deep.include({
      user: { hosts: ['pas-r01p01', 'pas-r01p02'] },
      service: { hosts: ['rhfs01'] },
      pasteur: { hosts: ['pas-r01p01', 'pas-r01p02'] },
    });
    expect(inventory).to.have.nested.property('_meta.hostvars.rhfs01').that.deep.equals({
      mac: mac(5), rfs: 0, hfs: 0, room: 'other', aliases: ['rfs0', 'hfs0'], is_faulty: false, is_faulty_details: '',
    }); // prettier-ignore
    expect(outcome(await callRpc(url, 'ansible', { x: 1 }))).to.include(
      '500 TypeError: ansible() got an unexpected keyword',
    );
  });

  it('has no other method', async () => {
    const { url } = await run();
    for (const name of ['nope', '__proto__', 'constructor', 'toString', '', '%00', '%F0%9F%92%A9']) {
      const answer = await readAnswer(await fetch(`${url}/call/${name}`));
      expect(answer.status, name).to.equal(404);
      expect(answer.contentType).to.equal('application/json');
      expect(answer.body.exn_type).to.equal('MethodError');
    }
  });

  it('describes itself, with a page to try it that needs nothing from outside', async () => {
    const { url } = await run();
    const document = (await (await fetch(`${url}/docs/json`)).json()) as { openapi: string; paths: object };
    expect(document.openapi).to.equal('3.1.0');
    expect(Object.keys(document.paths)).to.deep.equal([
      '/call/query',
      '/call/switches',
      '/call/register',
      '/call/ansible',
    ]);
    const page = await (await fetch(`${url}/docs/`)).text();
    const linked = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!);
    expect(linked).to.have.length.above(3);
    for (const link of linked) {
      expect(link).to.match(/^\.\/static\/|^\/docs\/static\//);
      expect((await fetch(new URL(link, `${url}/docs/`))).status, link).to.equal(200);
    }
  });

  it('counts its calls', async () => {
    const { url } = await run();
    await callRpc(url, 'query', { nope: 1 });
    await callRpc(url, 'query');
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).to.match(/^prolo_rpc_seconds_count\{method="query",outcome="result"\} 1$/m);
    expect(metrics).to.match(/^prolo_rpc_seconds_count\{method="query",outcome="FieldError"\} 1$/m);
  });

  it('is spoken to by our own client', async () => {
    const { url } = await run();
    const found = (await createRpcClient(url).call('query', { hostname: 'hfs0' })) as MachineRecord[];
    expect(found.map(({ hostname }) => hostname)).to.deep.equal(['rhfs01']);
  });
});
