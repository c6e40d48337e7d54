import { createServer } from 'node:net';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { checkToken } from '../../../src/lib/rpc/token.ts';
import { follow, type Follower, scriptedFeed } from '../../support/feed.ts';

const SECRET = 'a secret of sixteen or more';
const update = (login: string, hostname = 'a') => ({ type: 'update', data: { login, hostname } });
const remove = (login: string) => ({ type: 'delete', data: { login } });
const line = (...updates: object[]): string => `${JSON.stringify(updates)}\n`;

/** Sends the texts, each in a packet of its own, and leaves the response open. */
const send =
  (...texts: (string | Buffer)[]) =>
  async (response: ServerResponse): Promise<void> => {
    response.writeHead(200);
    for (const text of texts) {
      response.write(text);
      await sleep(10);
    }
  };
const sendAndEnd =
  (...texts: (string | Buffer)[]) =>
  async (response: ServerResponse): Promise<void> => {
    await send(...texts)(response);
    response.destroy();
  };
const status = (code: number) => (response: ServerResponse) => void response.writeHead(code).end('no\n');

describe('followFeed', () => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  const start = async (
    answers: ((response: ServerResponse) => void)[],
    options: Partial<Parameters<typeof follow>[0]> = {},
  ): Promise<Follower & { urls: string[] }> => {
    const server = await scriptedFeed(...answers);
    const follower = follow({ url: server.url, secret: SECRET, pk: 'login', ...options });
    cleanups.push(() => server.close(), follower.stop);
    return Object.assign(follower, { urls: server.urls });
  };

  it('asks as SADM clients do, and reports the state, then each line', async () => {
    const follower = await start([
      send(line(update('a'), update('b')), line(update('a', 'x')), line(remove('b'))),
    ]);
    await follower.until(() => follower.changes.length === 3);
    expect(follower.changes).to.deep.equal([
      { a: 'created', b: 'created' },
      { a: 'updated' },
      { b: 'deleted' },
    ]);
    expect([...follower.state.values()]).to.deep.equal([{ login: 'a', hostname: 'x' }]);
    const url = new URL(follower.urls[0]!, 'http://feed');
    expect(url.pathname).to.equal('/poll');
    expect(url.searchParams.get('data')).to.equal('{}');
    expect(checkToken(url.searchParams.get('hmac'), SECRET, 'None', Date.now())).to.equal(true);
  });

  it('reports against what it knew when the connection comes back', async () => {
    const follower = await start([
      sendAndEnd(line(update('kept'), update('gone'), update('changed'))),
      send(line(update('new'), update('changed', 'b'), update('kept'))),
    ]);
    await follower.until(() => follower.changes.length === 2);
    expect(follower.changes[1]).to.deep.equal({ gone: 'deleted', changed: 'updated', new: 'created' });
    expect([...follower.state.keys()].sort()).to.deep.equal(['changed', 'kept', 'new']);
  });

  it('calls for every line, also where nothing that is watched changed', async () => {
    const follower = await start(
      [send(line(), line(update('a')), line(update('a', 'b')), line(remove('a')))],
      {
        watch: new Set(['room']),
      },
    );
    await follower.until(() => follower.changes.length === 4);
    expect(follower.changes).to.deep.equal([{}, { a: 'created' }, {}, { a: 'deleted' }]);
  });

  it('reads characters that packets cut in two', async () => {
    const bytes = Buffer.from(line(update('zoé', '\u{1f5a5}')));
    const follower = await start([send(...Array.from(bytes, (byte) => Buffer.from([byte])))]);
    await follower.until(() => follower.changes.length === 1);
    expect(follower.state.get('zoé')).to.deep.equal({ login: 'zoé', hostname: '\u{1f5a5}' });
  });

  it('throws away a line that the connection cut off', async () => {
    const follower = await start([
      sendAndEnd(line(update('a')), line(update('half')).slice(0, -1)),
      send(line(update('a'))),
    ]);
    await follower.until(() => follower.changes.length === 2);
    expect(follower.changes).to.deep.equal([{ a: 'created' }, {}]);
  });

  for (const [title, bad, expected] of [
    ['is no JSON', 'this is not a feed\n', 'no JSON'],
    ['is no list', '{"type":"update"}\n', 'no list of updates with a login'],
    ['has no key', '[{"type":"update","data":{"x":1}}]\n', 'no list of updates with a login'],
    ['has null for an update', '[null]\n', 'no list of updates with a login'],
    ['has another type', '[{"type":"insert","data":{"login":"a"}}]\n', 'no list of updates with a login'],
    ['is no UTF-8', Buffer.from([0x5b, 0xff, 0x5d, 10]), 'no UTF-8'],
  ] as const)
    it(`connects again after a line that ${title}`, async () => {
      const follower = await start([send(line(update('a')), bad), send(line(update('a')))]);
      await follower.until(() => follower.changes.length === 2);
      expect(follower.troubles).to.have.length(1);
      expect(follower.troubles[0]).to.include(expected);
    });

  it('waits as told, knowing how often it failed and whether it was refused', async () => {
    const asked: [number, boolean][] = [];
    const follower = await start([status(403), status(502), status(404), send(line(update('a')))], {
      pauseMs: (failures, refused) => (asked.push([failures, refused]), 5),
    });
    await follower.until(() => follower.changes.length === 1);
    expect(asked).to.deep.equal([
      [1, true],
      [2, false],
      [3, false],
    ]);
    expect(follower.troubles[0]).to.match(/^feed http:.*may not subscribe \(403\)$/);
    expect(follower.troubles[1]).to.match(/status 502$/);
  });

  it('says why it may have been refused', async () => {
    const server = await scriptedFeed(status(403));
    const lines: string[] = [];
    const { pino } = await import('pino');
    const follower = follow({
      url: server.url,
      secret: SECRET,
      pk: 'login',
      log: pino({ level: 'info' }, { write: (text) => lines.push(text) }),
      onTrouble: undefined as never,
    });
    cleanups.push(() => server.close(), follower.stop);
    while (lines.length === 0) await sleep(10);
    const entry = JSON.parse(lines[0]!) as Record<string, unknown>;
    expect(entry.level).to.equal(50);
    expect(entry.hint).to.match(/secrets\.yml.*clocks/);
    expect(lines.join('')).not.to.include(SECRET);
  });

  it('comes back to a server that was not there', async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const follower = follow({ url: `http://127.0.0.1:${port}`, secret: SECRET, pk: 'login' });
    cleanups.push(follower.stop);
    await follower.until(() => follower.troubles.length > 2);
    const answer = `HTTP/1.0 200 OK\r\n\r\n${line(update('a'))}`;
    const server = createServer((socket) => void socket.on('error', () => undefined).write(answer));
    server.listen(port, '127.0.0.1');
    cleanups.push(() => server.close());
    await follower.until(() => follower.changes.length === 1);
    expect(follower.troubles[0]).to.include('ECONNREFUSED');
  });

  it('takes one line at a time, and goes on when a line could not be handled', async () => {
    let running = 0;
    let most = 0;
    const follower = await start([send(line(update('a')) + line(update('b')) + line(update('c')))], {
      async onLine() {
        most = Math.max(most, ++running);
        await sleep(5);
        running--;
        if (follower.changes.length === 1) throw new Error('the disk is full');
      },
    });
    await follower.until(() => follower.changes.length === 3);
    expect(most).to.equal(1);
    expect([...follower.state.keys()]).to.deep.equal(['a', 'b', 'c']);
    expect(follower.troubles).to.deep.equal([]);
  });

  for (const [title, answer] of [
    ['connected', send(line(update('a')))],
    ['waiting for an answer', () => undefined],
    ['waiting for the next attempt', status(500)],
  ] as const)
    it(`ends at once while ${title}`, async () => {
      const follower = await start([answer], { pauseMs: () => 60_000 });
      await sleep(100);
      const startedMs = performance.now();
      await follower.stop();
      expect(performance.now() - startedMs).to.be.below(500);
    });

  it('never connects when it was aborted before', async () => {
    const server = await scriptedFeed(send(line()));
    const follower = follow({ url: server.url, secret: SECRET, pk: 'login', signal: AbortSignal.abort() });
    await follower.stop();
    server.close();
    expect(server.urls).to.deep.equal([]);
  });
});
