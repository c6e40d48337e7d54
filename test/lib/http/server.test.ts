import { connect } from 'node:net';
import { expect } from 'chai';
import { allowedNetworks, isAllowed } from '../../../src/lib/http/access.ts';
import { createRateLimit } from '../../../src/lib/http/rate-limit.ts';
import { createServer } from '../../../src/lib/http/server.ts';
import type { RunningDaemon } from '../../../src/lib/http/daemon.ts';
import { ProloError } from '../../../src/lib/errors.ts';
import { parseConfig } from '../../../src/lib/site/parse.ts';
import { rejection } from '../../support/rejection.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';

describe('the server that every daemon starts from', () => {
  let test: TestSite;
  let daemon: RunningDaemon;
  let url: string;
  let release: () => void;
  before(async () => {
    test = await makeTestSite();
    const server = createServer(test.context, 'mdb');
    server.app.get('/fails', () => {
      throw new ProloError('conflict', 'machine a: name b is taken');
    });
    server.app.get('/bug', () => {
      throw new TypeError('x is not a function');
    });
    server.app.get('/par/:value', () => '');
    server.app.post('/echo', (request) => request.body);
    server.app.get('/hangs', () => new Promise((resolve) => (release = () => resolve(''))));
    daemon = await server.start();
    url = daemon.url!;
  });
  after(async () => {
    await daemon.close();
    await test.remove();
  });

  it('answers /__ping with pong, and /metrics', async () => {
    expect(await (await fetch(`${url}/__ping`)).text()).to.equal('pong');
    expect(await (await fetch(`${url}/metrics`)).text()).to.include('prolo_http_requests_total');
  });

  it('answers a path that is no URL, or too long, as any other mistake: a status and a line of text', async () => {
    for (const [path, status] of [
      ['/%ff', 400],
      [`/par/${'a'.repeat(300)}?hmac=x`, 414],
    ] as const) {
      const answer = await fetch(`${url}${path}`);
      expect(answer.status).to.equal(status);
      expect(answer.headers.get('content-type')).to.include('text/plain');
      expect(await answer.text()).to.equal('mdb: the path is no URL, or too long\n');
    }
  });

  it('listens on every address of `bind`, and closes them all', async () => {
    const two = await makeTestSite({ bind: ['127.0.0.1', '127.0.0.2'] });
    const other = await createServer(two.context, 'mdb').start();
    const urls = [other.url!, other.url!.replace('127.0.0.1', '127.0.0.2')];
    try {
      for (const each of urls) expect(await (await fetch(`${each}/__ping`)).text()).to.equal('pong');
    } finally {
      await other.close();
      await two.remove();
    }
    for (const each of urls) await rejection(fetch(`${each}/__ping`));
  });

  it('logs no token of a request that fails', async () => {
    const said: unknown[] = [];
    const note = (details: unknown): void => void said.push(details);
    const made = await makeTestSite();
    const log = Object.assign(Object.create(made.context.log) as typeof made.context.log, { info: note });
    const server = createServer({ ...made.context, log }, 'mdb');
    server.app.get('/fails', () => {
      throw new ProloError('forbidden', 'token: not of now');
    });
    const other = await server.start();
    try {
      await fetch(`${other.url!}/fails?data={}&hmac=1700000000:secret`);
      expect(said.at(-1)).to.include({ url: '/fails', error: 'token: not of now' });
    } finally {
      await other.close();
      await made.remove();
    }
  });

  it('says what went wrong as text, with the status of its kind', async () => {
    const conflict = await fetch(`${url}/fails`);
    expect([conflict.status, await conflict.text()]).to.deep.equal([409, 'machine a: name b is taken\n']);
    expect((await fetch(`${url}/bug`)).status).to.equal(500);
    expect((await fetch(`${url}/nowhere`)).status).to.equal(404);
  });

  it('refuses bodies over 1 MiB, and goes on', async () => {
    const big = await fetch(`${url}/echo`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'x'.repeat(1024 * 1024 + 1),
    });
    expect(big.status).to.equal(413);
    expect((await fetch(`${url}/__ping`)).status).to.equal(200);
  });

  it('behind a proxy of this host judges who is in X-Real-IP, and believes no other header', async () => {
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`${url}/__ping`, { headers })).status;
    expect(await status({ 'x-real-ip': '192.168.0.7' })).to.equal(200);
    expect(await status({ 'x-real-ip': '192.168.250.3' })).to.equal(403);
    expect(await status({ 'x-forwarded-for': '192.168.250.3' })).to.equal(200);
  });

  it('survives what is no HTTP', async () => {
    const { port } = new URL(url);
    for (const bytes of [
      '\r\n\r\n',
      'GET / HTTP/9\r\n\r\n',
      '\x00\xff\xfe',
      'GET /__ping HTTP/1.1\r\nContent-Length: -1\r\n\r\n',
    ]) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.end(Buffer.from(bytes, 'latin1'));
      await new Promise((resolve) => socket.on('close', resolve).on('error', resolve).resume());
    }
    expect((await fetch(`${url}/__ping`)).status).to.equal(200);
  });

  it('names the port that another program has', async () => {
    const error = await rejection(createServer(test.context, 'mdb').start());
    expect(error).to.include({ kind: 'unavailable' });
    expect(error.message).to.include(`port ${new URL(url).port}`);
  });

  it('closes within a second while a request is open', async () => {
    const second = createServer(test.context, 'udb');
    second.app.get('/hangs', () => new Promise(() => undefined));
    const running = await second.start();
    const open = fetch(`${running.url}/hangs`).catch(() => 'cut');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const start = Date.now();
    await running.close();
    expect(Date.now() - start).to.be.below(1000);
    expect(await open).to.equal('cut');
    release?.();
  });
});

describe('who may speak', () => {
  const config = parseConfig('', 'prolo.yml');
  it('the networks of machines and loopback; aliens only where they are let in', () => {
    const [inside, withAliens] = [allowedNetworks(config, false), allowedNetworks(config, true)];
    for (const ip of ['127.0.0.1', '192.168.0.7', '::ffff:192.168.1.254', '::1'])
      expect(isAllowed(inside, ip)).to.equal(true);
    for (const ip of ['192.168.250.3', '10.0.0.1', '8.8.8.8', 'fe80::1', ''])
      expect(isAllowed(inside, ip)).to.equal(false);
    expect(isAllowed(withAliens, '192.168.250.3')).to.equal(true);
    expect(isAllowed(withAliens, '10.0.0.1')).to.equal(false);
  });
});

describe('a rate limit', () => {
  it('lets so many through in any minute, a key at a time, and forgets the oldest keys', () => {
    const limit = createRateLimit(2, 3);
    expect([0, 1, 2].map((ms) => limit.take('a', ms))).to.deep.equal([true, true, false]);
    expect(limit.take('b', 3)).to.equal(true);
    expect(limit.take('a', 60_001)).to.equal(true);
    for (const key of ['c', 'd', 'e', 'f']) limit.take(key, 60_002);
    expect(limit.take('a', 60_003)).to.equal(true);
  });

  it('does not go on refusing for hours after the clock was set back', () => {
    const limit = createRateLimit(1);
    expect([7_200_000, 7_200_001, 0, 1].map((ms) => limit.take('a', ms))).to.deep.equal([
      true,
      false,
      true,
      false,
    ]);
  });
});
