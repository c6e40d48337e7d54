import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { ProloError } from '../../../src/lib/errors.ts';
import { createRpcClient } from '../../../src/lib/rpc/client.ts';
import { checkToken } from '../../../src/lib/rpc/token.ts';
import { rejection } from '../../support/rejection.ts';

describe('createRpcClient', () => {
  let server: Server;
  let url: string;
  let answer: { status: number; body: string };
  let seen: { path?: string | undefined; body: string };

  before((done) => {
    server = createServer((request: IncomingMessage, response) => {
      seen = { path: request.url, body: '' };
      request.on('data', (chunk: Buffer) => (seen.body += chunk.toString()));
      request.on('end', () =>
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body),
      );
    });
    server.listen(0, '127.0.0.1', () => {
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      done();
    });
  });
  after(() => server.close());

  const exception = (status: number, exn_type: string, exn_message: string): void => {
    answer = {
      status,
      body: JSON.stringify({ type: 'exception', exn_type, exn_message, exn_traceback: [] }),
    };
  };

  it('sends arguments and a token for the method, and returns the data', async () => {
    answer = { status: 200, body: '{"type": "result", "data": [{"é": 1}]}' };
    expect(await createRpcClient(`${url}/`, 's3cret').call('query_private', { login: 'é' })).to.deep.equal([
      { é: 1 },
    ]);
    const body = JSON.parse(seen.body) as Record<string, unknown>;
    expect(seen.path).to.equal('/call/query_private');
    expect(body).to.include.keys('args', 'kwargs', 'hmac');
    expect(body.kwargs).to.deep.equal({ login: 'é' });
    expect(checkToken(body.hmac, 's3cret', 'query_private', Date.now())).to.equal(true);
    await createRpcClient(url).call('query');
    expect(JSON.parse(seen.body)).to.deep.equal({ args: [], kwargs: {} });
  });

  const table: [number, string, string][] = [
    [500, 'ValueError', 'bad-input'],
    [500, 'FieldError', 'bad-input'],
    [400, 'JSONDecodeError', 'bad-input'],
    [500, 'RuntimeError', 'failed'],
    [400, 'MissingToken', 'forbidden'],
    [403, 'BadToken', 'forbidden'],
    [404, 'MethodError', 'not-found'],
    [429, 'RuntimeError', 'too-many'],
    [503, 'RuntimeError', 'unavailable'],
    [507, 'RuntimeError', 'full'],
  ];
  for (const [status, type, kind] of table)
    it(`${status} ${type} is ${kind}, with the remote's words`, async () => {
      exception(status, type, 'self registration is disabled');
      const error = (await rejection(createRpcClient(url).call('register'))) as ProloError;
      expect(error).to.be.instanceOf(ProloError);
      expect(error.kind).to.equal(kind);
      expect(error.message).to.equal(`${url}/call/register: ${type}: self registration is disabled`);
    });

  it('says so when what answers is no RPC', async () => {
    answer = { status: 502, body: '<html>Bad Gateway' };
    const error = (await rejection(createRpcClient(url).call('query'))) as ProloError;
    expect(error.kind).to.equal('unavailable');
    expect(error.message).to.include('status 502, not an answer to a call: <html>Bad Gateway');
    answer = { status: 200, body: 'null' };
    expect((await rejection(createRpcClient(url).call('query'))).message).to.include(
      'not an answer to a call: null',
    );
  });

  it('shows a terminal nothing but text, whatever the other side says', async () => {
    const words = async () => (await rejection(createRpcClient(url).call('query'))).message;
    exception(500, 'RuntimeError', 'a\u001b[2Jb');
    expect(await words()).to.equal(`${url}/call/query: RuntimeError: a [2Jb`);
    answer = { status: 502, body: '\u001b]0;x\u0007' };
    expect(await words()).to.include('not an answer to a call: ]0;x');
  });

  it('is unavailable when nobody listens', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const error = (await rejection(createRpcClient(`http://127.0.0.1:${port}`).call('query'))) as ProloError;
    expect(error.kind).to.equal('unavailable');
    expect(error.message).to.match(/ECONNREFUSED/);
    expect(error.hint).to.include('gateway');
  });
});
