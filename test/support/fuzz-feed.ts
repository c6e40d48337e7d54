import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { changeMachines, listMachines } from '../../src/lib/mdb/machines.ts';
import { makeToken } from '../../src/lib/rpc/token.ts';
import { servicePort } from '../../src/lib/site/site.ts';
import { listUsers } from '../../src/lib/udb/users.ts';
import { follow, rawRequest } from './feed.ts';
import { startDaemonProcess } from './processes.ts';
import { makeTestSite } from './site.ts';

/**
 * Sends requests that nobody would to mdbsync and udbsync, in a process of their own, while a subscriber of each listens.
 * @returns how often each status came
 * @throws what fast-check found: a daemon that ended, was silent, blamed itself, or lost its subscriber
 */
export async function fuzzFeed(requests: number, seed?: number): Promise<Record<string, number>> {
  const test = await makeTestSite();
  const { site } = test;
  const store = await test.store();
  await changeMachines(store, site.config, 'fuzz', () => ({ wishes: [{ input: MACHINE }] }));
  const daemons = await startDaemonProcess(site.file, 'mdbsync', 'udbsync');
  const services = (['mdbsync', 'udbsync'] as const).map((service) => {
    const url = `http://127.0.0.1:${servicePort(site.config, service)}`;
    const [publish, subscribe] = [site.secret(`${service}.publish`), site.secret(`${service}.subscribe`)];
    const pk = service === 'mdbsync' ? 'mac' : 'login';
    return { url, publish, subscribe, watcher: follow({ url, secret: subscribe, pk }) };
  });
  const statuses: Record<string, number> = {};
  try {
    await Promise.all(services.map(({ watcher }) => watcher.until(() => watcher.changes.length > 0)));
    const property = fc.asyncProperty(fc.constantFrom(...services), anyRequest, async (service, request) => {
      const answer = await exchange(service.url, assemble(request, service.publish, service.subscribe));
      const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 'none';
      statuses[status] = (statuses[status] ?? 0) + 1;
      expect(status, answer.slice(0, 500)).to.match(/^([24]\d\d|507)$/);
      expect(daemons.child.exitCode ?? daemons.child.signalCode, 'the daemons go on').to.equal(null);
    });
    await fc.assert(property, {
      numRuns: requests,
      endOnFailure: true,
      ...(seed === undefined ? {} : { seed }),
    });
    const there = [(await listMachines(store.knex)).length, (await listUsers(store.knex)).length];
    for (const [i, { watcher }] of services.entries()) {
      await watcher.until(() => watcher.state.size === there[i]);
      expect(watcher.troubles).to.deep.equal([]);
    }
    return statuses;
  } finally {
    for (const { watcher } of services) await watcher.stop();
    await daemons.kill();
    await test.remove();
  }
}

const MACHINE = { hostname: 'm1', mac: '02:00:00:00:00:01', mtype: 'user' };
const HASH = `$6$abcdefgh$${'a'.repeat(86)}`;
const FIELDS = ['mac', 'hostname', 'ip', 'aliases', 'rfs', 'room', 'mtype', 'is_faulty_details', 'login', 'uid', 'group', 'password', 'shell', 'ssh_key', '__proto__', 'x']; // prettier-ignore
const VALUES = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02-00-00-00-00-03', 'm1', 'm2', 'ada', 'root', '192.168.0.1', 'a_b', 'a;b', 'a\nb', '\u0000', 'é', '', -1, 0, 5, 1e99, 10_001, true, null, 'user', 'pasteur', '/bin/bash', HASH]; // prettier-ignore
const PATHS = [
  '/',
  '//',
  '/poll/',
  '/update?x',
  '/update/',
  '*',
  '/metrics',
  '/__ping',
  '/poll?data',
  '/%',
  '/poll%00',
];

const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<unknown>(...VALUES) },
  fc.jsonValue(),
  fc.string({ unit: 'binary' }),
);
const machine = fc.record({ mac: fc.constantFrom('02:00:00:00:00:01', '02:00:00:00:00:02'), hostname: fc.constantFrom('m1', 'm2', 'm3'), rfs: fc.nat(9) }); // prettier-ignore
const user = fc.record({ login: fc.constantFrom('ada', 'max'), password: fc.constant(HASH), uid: fc.integer({ min: 10_000, max: 10_002 }) }); // prettier-ignore
const fields = fc.dictionary(fc.constantFrom(...FIELDS), value, { maxKeys: 6 });
const kind = fc.constantFrom('update', 'delete');
/** A list of updates of one feed: mostly good ones, and others among them. */
const updates = fc.constantFrom<fc.Arbitrary<object>>(machine, user).chain((record) =>
  fc.array(
    fc.oneof(
      { weight: 12, arbitrary: fc.record({ type: kind, data: record }) },
      fc.record({ type: fc.oneof(kind, value), data: fc.oneof(fields, value) }),
      fc.tuple(record, fields).map(([data, more]) => ({ type: 'update', data: { ...data, ...more } })),
      value,
    ),
    { maxLength: 4 },
  ),
);
const anyRequest = fc.record({
  target: fc.oneof(
    { weight: 10, arbitrary: fc.constant(['POST', '/update']) },
    { weight: 2, arbitrary: fc.constant(['GET', '/poll']) },
    fc.tuple(
      fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'FOO', 'post'),
      fc.oneof(fc.constantFrom('/update', '/poll', ...PATHS), fc.webPath()),
    ),
  ),
  type: fc.oneof(
    { weight: 20, arbitrary: fc.constant('application/x-www-form-urlencoded') },
    fc.constantFrom('application/json', 'text/plain', 'multipart/form-data', ';;', '*'),
  ),
  data: fc.oneof(
    { weight: 12, arbitrary: updates.map((list) => JSON.stringify(list)) },
    fc.string({ unit: 'binary' }),
    fc.json(),
  ),
  token: fc.oneof(
    { weight: 10, arbitrary: fc.constant('publish') },
    fc.constantFrom('subscribe', 'old', 'future', 'none', 'rubbish'),
  ),
  bytes: fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, fc.uint8Array({ maxLength: 300 })),
});
/** How far a token's time is from ours. */
const SHIFTS_MS: Record<string, number> = { old: -200_000, future: 200_000 };

type AnyRequest = typeof anyRequest extends fc.Arbitrary<infer T> ? T : never;

function assemble(request: AnyRequest, publish: string, subscribe: string): Buffer {
  const { type, data, token } = request;
  const [verb = '', path = ''] = request.target;
  const nowMs = Date.now() + (SHIFTS_MS[token] ?? 0);
  const message = path === '/poll' ? 'None' : data;
  const hmac = token === 'rubbish' ? '1:zz' : makeToken(token === 'subscribe' || path === '/poll' ? subscribe : publish, message, nowMs); // prettier-ignore
  const form = new URLSearchParams(token === 'none' ? { data } : { data, hmac }).toString();
  const body = request.bytes ? Buffer.from(request.bytes) : Buffer.from(verb === 'GET' ? '' : form);
  const target = verb === 'GET' ? `${path}?${form}` : path;
  const head = [`${verb} ${target} HTTP/1.1`, 'host: x', 'connection: close', `content-type: ${type}`, `content-length: ${body.length}`]; // prettier-ignore
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
}

/** Everything up to the end of the head; of a feed, that is as far as it ever gets. */
async function exchange(url: string, request: Buffer): Promise<string> {
  const raw = rawRequest(url, request);
  const untilMs = performance.now() + 20_000;
  while (!raw.text().includes('\r\n\r\n') && !raw.socket.destroyed) {
    if (performance.now() > untilMs)
      throw new Error(`no answer in 20 s to ${request.toString().slice(0, 300)}`);
    await sleep(1);
  }
  raw.socket.destroy();
  return raw.text();
}
