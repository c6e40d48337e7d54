import { connect } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { setSetting } from '../../src/lib/mdb/settings.ts';
import { changeMachines } from '../../src/lib/mdb/machines.ts';
import { LOOKUP_NAMES } from '../../src/lib/rpc/filter.ts';
import { makeToken } from '../../src/lib/rpc/token.ts';
import { servicePort } from '../../src/lib/site/site.ts';
import { addUser } from '../../src/lib/udb/users.ts';
import { startDaemonProcess } from './processes.ts';
import { makeTestSite } from './site.ts';

export interface FuzzReport {
  /** How often each status came; `none` where the connection ended without one. */
  statuses: Record<string, number>;
  requestsASecond: number;
}

/**
 * Sends requests that nobody would to the daemons mdb and udb, in a process of their own, with real data behind them.
 * @throws what fast-check found: a daemon that ended, was silent, or answered with an error of its own
 */
export async function fuzzRpc(requests: number, seed?: number): Promise<FuzzReport> {
  const test = await makeTestSite({ netboot: { registrationsPerMinute: 1_000_000 } });
  const { site } = test;
  const store = await test.store();
  await setSetting(store, 'fuzz', 'allow_self_registration', 'true');
  const wishes = Array.from({ length: 20 }, (_, n) => ({
    input: { hostname: `m${n}`, mac: `02:00:00:00:01:${10 + n}`, aliases: [`a${n}`], rfs: n },
  }));
  await changeMachines(store, site.config, 'fuzz', () => ({ wishes }));
  await addUser(
    store,
    site.config,
    'fuzz',
    { login: 'jdoe', firstname: 'J', lastname: 'D' },
    site.secret('passwords.key'),
  );
  const daemons = await startDaemonProcess(site.file, 'mdb', 'udb');
  const ports = [servicePort(site.config, 'mdb'), servicePort(site.config, 'udb')];
  const secret = site.secret('udb.private');
  const statuses: Record<string, number> = {};
  const startedMs = performance.now();
  let sent = 0;
  try {
    const property = fc.asyncProperty(fc.constantFrom(...ports), anyRequest, async (port, request) => {
      const answer = await exchange(port, assemble(request, secret), isWhole(request));
      const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 'none';
      statuses[status] = (statuses[status] ?? 0) + 1;
      checkAnswer(request, status, answer);
      expect(daemons.child.exitCode ?? daemons.child.signalCode, 'the daemons go on').to.equal(null);
      if (++sent % 50 === 0) for (const each of ports) await expectPong(each);
    });
    await fc.assert(property, {
      numRuns: requests,
      endOnFailure: true,
      ...(seed === undefined ? {} : { seed }),
    });
    for (const port of ports) await expectPong(port);
    return { statuses, requestsASecond: Math.round((requests * 1000) / (performance.now() - startedMs)) };
  } finally {
    await daemons.kill();
    await test.remove();
  }
}

const METHODS = ['query', 'switches', 'register', 'ansible', 'query_private'];
const FIELDS = ['hostname', 'ip', 'aliases', 'mac', 'rfs', 'hfs', 'mtype', 'room', 'name', 'chassis', 'login', 'uid', 'group', 'shell', 'ssh_key', 'id']; // prettier-ignore
const NO_FIELDS = ['password', '__proto__', 'constructor', ''];
const VALUES = ['m1', 'a1', '192.168.0.1', '02:00:00:00:01:10', 'user', 'pasteur', 'a_b', 'a;b', 'a\nb', '(a+)+$', '[', '(?=x)', 'x{1000}{1000}', '\ud800', '\0', 'é', 0, -1, 1.5, 1e308, true, null, [], {}]; // prettier-ignore
const TYPES = ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/json; charset=utf-16', ';;;=', 'x/y; a="', '*', '\xff\xfe']; // prettier-ignore
const PATHS = ['/', '//', '*', '/call', '/call/', '/call/nope', '/call/%ff', '/call/%', '/call/query/', '/call/query?args=[1]&%ff', '/call/__proto__', '/docs', '/docs/', '/docs/json', '/docs/static/..%2f..%2f..%2fpackage.json', '/docs/static/%00', '/metrics', '/__ping', `/call/${'x'.repeat(500)}`, `/${'%'.repeat(3000)}`]; // prettier-ignore

/** One of the usual kind so many times as often as one of the rest. */
function mostly<T>(weight: number, usual: fc.Arbitrary<T>, rest: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: rest });
}

const value = fc.oneof(fc.constantFrom<unknown>(...VALUES), fc.jsonValue(), fc.string({ unit: 'binary' }));
const filters = fc
  .array(
    fc.tuple(
      mostly(12, fc.constantFrom(...FIELDS), fc.constantFrom(...NO_FIELDS)),
      mostly(20, fc.constantFrom('', ...LOOKUP_NAMES), fc.string()),
      value,
    ),
    { maxLength: 4 },
  )
  .map((entries) =>
    Object.fromEntries(entries.map(([field, lookup, v]) => [lookup ? `${field}__${lookup}` : field, v])),
  );
const registration = fc.record(
  {
    hostname: fc.oneof(value, fc.stringMatching(/^[a-z0-9]{1,8}$/)),
    mac: fc.oneof(value, fc.constantFrom('02:00:00:00:02:01', '02:00:00:00:02:02')),
    rfs: fc.oneof(value, fc.nat(9)),
    hfs: fc.oneof(value, fc.nat(9)),
    room: fc.oneof(value, fc.constant('pasteur')),
    mtype: fc.oneof(value, fc.constant('user')),
  },
  { requiredKeys: [] },
);
const token = fc.constantFrom('good', 'good', 'good', 'past', 'future', 'other', 'none', 'rubbish', 'number');
const call = fc.record({
  token,
  args: mostly(8, fc.constant<unknown>([]), fc.oneof(fc.array(value, { maxLength: 7 }), value)),
  kwargs: mostly(10, fc.oneof<fc.Arbitrary<unknown>[]>(filters, filters, registration), value),
});
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.json().map((text) => Buffer.from(text)),
  fc
    .constantFrom(
      '[',
      '{"args": [',
      '{"a":1}',
      '{"kwargs": null}',
      `{"kwargs": {"hostname": ${'['.repeat(50_000)}`,
      '"\xff"',
      '{"args": ["\xc3\x28"]}',
    ) // prettier-ignore
    .map((text) => Buffer.from(text, 'latin1')),
);

interface FuzzRequest {
  verb: string;
  name: string;
  path: string | undefined;
  contentType: string | undefined;
  call: { token: string; args: unknown; kwargs: unknown };
  /** Sent in place of the call. */
  bytes: Uint8Array | undefined;
  framing: 'length' | 'chunked' | 'none' | 'short' | 'long';
}

const anyRequest: fc.Arbitrary<FuzzRequest> = fc.record({
  verb: mostly(8, fc.constant('POST'), fc.constantFrom('GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY', 'FOO', 'post', '')), // prettier-ignore
  name: fc.constantFrom(...METHODS),
  path: mostly<string | undefined>(
    8,
    fc.constant(undefined),
    fc.oneof(fc.constantFrom(...PATHS), fc.webPath(), fc.string().map((text) => `/${text}`)), // prettier-ignore
  ),
  contentType: fc.oneof(fc.constant(undefined), fc.constantFrom(...TYPES), fc.string()),
  call,
  bytes: mostly<Uint8Array | undefined>(8, fc.constant(undefined), bytes),
  framing: mostly<FuzzRequest['framing']>(
    10,
    fc.constant('length'),
    fc.constantFrom('chunked', 'none', 'short', 'long'),
  ),
});

function assemble(request: FuzzRequest, secret: string): Buffer {
  const { verb, name, call, contentType, framing } = request;
  const hmac = makeHmac(call.token, name, secret);
  const body = Buffer.from(request.bytes ?? JSON.stringify({ args: call.args, kwargs: call.kwargs, hmac }));
  const lengths = { length: body.length, short: body.length >> 1, long: body.length + 5 };
  const head = [
    `${verb} ${request.path ?? `/call/${name}`} HTTP/1.1`,
    'host: x',
    'connection: close',
    ...(contentType === undefined ? [] : [`content-type: ${contentType}`]),
    ...(framing === 'chunked' ? ['transfer-encoding: chunked'] : []),
    ...(framing in lengths ? [`content-length: ${lengths[framing as keyof typeof lengths]}`] : []),
  ];
  const chunked = [
    Buffer.from(`${body.length.toString(16)}\r\n`),
    body,
    Buffer.from(body.length ? '\r\n0\r\n\r\n' : '\r\n'),
  ];
  return Buffer.concat([
    Buffer.from(`${head.join('\r\n')}\r\n\r\n`),
    ...(framing === 'chunked' ? chunked : [body]),
  ]);
}

function makeHmac(kind: string, name: string, secret: string): unknown {
  const shiftMs = { past: -200_000, future: 200_000 }[kind] ?? 0;
  if (kind === 'none') return undefined;
  if (kind === 'rubbish') return '12:zz';
  if (kind === 'number') return 12;
  return makeToken(kind === 'other' ? 'another secret' : secret, name, Date.now() + shiftMs);
}

/** Whether the server knows where the request ends, so that it must answer and end the connection. */
function isWhole({ path, framing }: FuzzRequest): boolean {
  return path === undefined && (framing === 'length' || framing === 'chunked');
}

/** All that comes back until the connection ends. Where the server may wait for more, our side ends first (then Node drops an answer). */
function exchange(port: number, request: Buffer, whole: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect(port, '127.0.0.1');
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end after 20 s; so far: ${Buffer.concat(parts).toString().slice(0, 300)}`));
    }, 20_000);
    socket.on('data', (part) => parts.push(part));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') reject(error); // a reset after the answer is the server's right
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(parts).toString());
    });
    socket.write(request, () => {
      if (!whole) socket.end();
    });
  });
}

/** A whole request is answered; a call as the wire has it, whatever its content type, and never by an error of ours. */
function checkAnswer(request: FuzzRequest, status: string, answer: string): void {
  expect(answer, 'an answer').to.not.include('InternalError');
  expect(status, answer.slice(0, 500)).to.match(/^([234]\d\d|500|507|none)$/);
  if (isWhole(request)) expect(status, 'an answer').to.not.equal('none');
  if (!isWhole(request) || request.verb !== 'POST') return;
  const printable = /^[\x20-\x7e]*$/.test(request.contentType ?? '');
  if (!printable && /^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n\r\n$/.test(answer)) return; // not HTTP
  const [head = '', body = ''] = answer.split(/\r\n\r\n(.*)/s);
  expect(head).to.match(/\r\ncontent-type: application\/json(\r\n|$)/);
  expect(status).to.be.oneOf(['200', '400', '403', '404', '500', '507']);
  const parsed = JSON.parse(body) as { type: string };
  expect(parsed.type).to.equal(status === '200' ? 'result' : 'exception');
}

async function expectPong(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/__ping`);
  expect(await response.text()).to.equal('pong');
}
