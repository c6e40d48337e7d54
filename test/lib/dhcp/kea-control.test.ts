import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { askKea } from '../../../src/lib/dhcp/kea-control.ts';
import type { ProloError } from '../../../src/lib/errors.ts';
import { rejection } from '../../support/rejection.ts';

describe('askKea', () => {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-keasock-'));
  const path = join(dir, 'kea.sock');
  let server: Server | undefined;
  let heard = '';

  const answering = (answer: (socket: Socket) => void): Promise<void> =>
    new Promise((resolve) => {
      server = createServer({ allowHalfOpen: true }, (socket) =>
        socket.on('data', (chunk) => {
          heard = chunk.toString();
          answer(socket);
        }),
      ).listen(path, resolve);
    });
  const kindOf = async (promise: Promise<unknown>): Promise<string> =>
    ((await rejection(promise)) as ProloError).kind;

  afterEach(() => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())));
  after(() => rmSync(dir, { recursive: true }));

  it('sends a command with its arguments as they are written, and reads an answer that comes in pieces', async () => {
    await answering((socket) => {
      socket.write('{"result": 1, "te');
      setTimeout(() => socket.end('xt": "no"}'), 10);
    });
    expect(await askKea(path, 'config-test', '{\n"Dhcp4": {}\n}')).to.deep.equal({
      result: 1,
      text: 'no',
      arguments: {},
    });
    expect(heard).to.equal('{"command":"config-test","arguments":{\n"Dhcp4": {}\n}}');
  });

  it('knows that no Kea is there', async () => {
    expect(await kindOf(askKea(join(dir, 'none'), 'version-get'))).to.equal('unavailable');
  });

  it('tells an answer that was cut short from one', async () => {
    await answering((socket) => socket.end('{"result": 0, "arguments": {'));
    expect(await kindOf(askKea(path, 'config-get'))).to.equal('failed');
    expect((await rejection(askKea(path, 'config-get'))).message).to.include('cut short');
  });

  it('tells a Kea that hangs up from one that answers', async () => {
    await answering((socket) => socket.destroy());
    expect(await kindOf(askKea(path, 'config-get'))).to.equal('failed');
  });
});
