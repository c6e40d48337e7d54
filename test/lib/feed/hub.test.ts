import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { createHub, type Hub } from '../../../src/lib/feed/hub.ts';
import { silentLog } from '../../../src/lib/log.ts';

const update = (k: string, v: unknown = 0) => ({ type: 'update' as const, data: { k, v } });
const remove = (k: string) => ({ type: 'delete' as const, data: { k } });

describe('createHub', () => {
  let server: Server;
  let drops = 0;
  const sockets: Socket[] = [];
  const accepted: ((socket: Socket) => void)[] = [];
  before(async () => {
    server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      accepted.shift()!(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());
  afterEach(() => sockets.splice(0).forEach((socket) => socket.destroy()));

  const makeHub = (records: object[] = [], maxBehindBytes = 1e6): Hub => {
    drops = 0;
    return createHub({ pk: 'k', records, maxBehindBytes, log: silentLog, onDrop: () => drops++ });
  };
  /** A connection: its end in the server, and the text that the other end has had so far. */
  const open = async (): Promise<{
    socket: Socket;
    peer: Socket;
    text(): string;
    closed: Promise<unknown>;
  }> => {
    const { port } = server.address() as AddressInfo;
    const arrived = new Promise<Socket>((resolve) => accepted.push(resolve));
    const peer = connect(port, '127.0.0.1');
    sockets.push(peer.on('error', () => undefined));
    const parts: Buffer[] = [];
    peer.on('data', (part) => parts.push(part));
    const closed = new Promise((resolve) => peer.once('close', resolve));
    return { socket: await arrived, peer, text: () => Buffer.concat(parts).toString(), closed };
  };
  /** Waits until there are so many lines, and a moment more for one too many. */
  const untilLines = async ({ text }: { text(): string }, count: number): Promise<void> => {
    while ((text().match(/\n/g) ?? []).length < count) await sleep(5);
    await sleep(20);
  };
  const lines = (text: string): unknown[] =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown);

  it('sends the state, then each change in order', async () => {
    const hub = makeHub([{ k: 'a', v: 0 }]);
    const one = await open();
    hub.subscribe(one.socket, false);
    hub.publish([update('b')]);
    hub.publish([remove('a'), update('c')]);
    await untilLines(one, 3);
    expect(lines(one.text())).to.deep.equal([[update('a')], [update('b')], [remove('a'), update('c')]]);
  });

  it('gives whoever comes between two changes each of them once', async () => {
    const hub = makeHub();
    const early = await open();
    const middle = await open();
    const late = await open();
    hub.subscribe(early.socket, false);
    hub.publish([update('a')]);
    hub.subscribe(middle.socket, false); // the first change is on its way to the other
    hub.publish([update('b')]);
    await Promise.resolve();
    hub.publish([update('c')]);
    hub.subscribe(late.socket, false);
    hub.publish([remove('a')]);
    await untilLines(early, 5);
    await untilLines(middle, 4);
    await untilLines(late, 2);
    const [a, b, c] = [update('a'), update('b'), update('c')];
    expect(lines(early.text())).to.deep.equal([[], [a], [b], [c], [remove('a')]]);
    expect(lines(middle.text())).to.deep.equal([[a], [b], [c], [remove('a')]]);
    expect(lines(late.text())).to.deep.equal([[a, b, c], [remove('a')]]);
  });

  it('puts each line in a chunk of its own for HTTP/1.1', async () => {
    const hub = makeHub([{ k: 'é' }]);
    const one = await open();
    hub.subscribe(one.socket, true);
    hub.publish([remove('é')]);
    await untilLines(one, 6);
    const first = '[{"type":"update","data":{"k":"é"}}]\n';
    const second = '[{"type":"delete","data":{"k":"é"}}]\n';
    const size = Buffer.byteLength(first).toString(16);
    expect(one.text()).to.equal(`${size}\r\n${first}\r\n${size}\r\n${second}\r\n`);
  });

  it('forgets who has left', async () => {
    const hub = makeHub();
    const { socket, peer } = await open();
    hub.subscribe(socket, true);
    expect(hub.has(socket)).to.equal(true);
    peer.destroy();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(hub.size).to.equal(0);
    hub.subscribe(socket, true);
    expect(hub.size).to.equal(0);
    hub.publish([update('a')]);
  });

  it('drops who is too far behind, and nobody else', async () => {
    const hub = makeHub([], 200_000);
    const slow = await open();
    const quick = await open();
    slow.peer.pause();
    hub.subscribe(slow.socket, true);
    hub.subscribe(quick.socket, true);
    const filler = 'x'.repeat(100_000);
    let sent = 0;
    for (; drops === 0 && sent < 500; sent++) {
      hub.publish([update('a', `${sent} ${filler}`)]);
      await sleep(1);
      expect(slow.socket.writableLength).to.be.below(200_000 + 2 * 101_000);
    }
    expect(drops).to.equal(1);
    expect(slow.socket.destroyed).to.equal(true);
    expect(hub.size).to.equal(1);
    await untilLines(quick, 3 * (sent + 1));
    expect(quick.text().match(/"type"/g)).to.have.length(sent);
  });

  it('drops nobody for a state that is larger than that, while it is on its way', async () => {
    const records = Array.from({ length: 100 }, (_, i) => ({ k: String(i), v: 'x'.repeat(100_000) }));
    const hub = makeHub(records, 1024);
    const one = await open();
    one.peer.pause();
    hub.subscribe(one.socket, false);
    hub.publish([update('0')]);
    await sleep(20);
    one.peer.resume();
    await untilLines(one, 2);
    expect(drops).to.equal(0);
    expect(lines(one.text())).to.have.length(2);
  });

  it('lets others have their turn while a change goes out to many', async () => {
    const hub = makeHub();
    const busy = await Promise.all(Array.from({ length: 300 }, open));
    for (const { socket } of busy) {
      hub.subscribe(socket, true);
      // Each write takes a millisecond.
      const write = socket.write.bind(socket) as (bytes: Buffer) => boolean;
      socket.write = (bytes: unknown) => {
        for (const untilMs = performance.now() + 1; performance.now() < untilMs;);
        return write(bytes as Buffer);
      };
    }
    hub.publish([update('a')]);
    let turns = 0;
    while (busy.some(({ text }) => !text().includes('update'))) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
    expect(turns).to.be.above(3);
  });
});
