import { expect } from 'chai';
import type { RunningDaemon } from '../../../src/lib/http/daemon.ts';
import { createServer, type ServerOptions } from '../../../src/lib/http/server.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';

describe('http server: what is answered in front of the router', () => {
  let made: TestSite;
  let daemon: RunningDaemon;
  const start = async (front: NonNullable<ServerOptions['front']>, config = {}): Promise<void> => {
    made = await makeTestSite(config);
    const server = createServer(made.context, 'netboot', { front });
    server.app.get('/routed', (_request, reply) => reply.send('router'));
    daemon = await server.start();
  };
  afterEach(async () => {
    await daemon.close();
    await made.remove();
  });
  const ask = async (path: string, base = daemon.url, init?: RequestInit): Promise<[number, string]> => {
    const response = await fetch(`${base}${path}`, init);
    return [response.status, await response.text()];
  };

  it('answers what it knows, on every address, and leaves the rest to the router', async () => {
    await start((url) => (url === '/known' ? 'front' : undefined), { bind: ['127.0.0.1', '127.0.0.2'] });
    expect(await ask('/known')).to.deep.equal([200, 'front']);
    expect(await ask('/known', daemon.url!.replace('127.0.0.1', '127.0.0.2'))).to.deep.equal([200, 'front']);
    expect(await ask('/routed')).to.deep.equal([200, 'router']);
    expect((await ask('/known', daemon.url, { method: 'POST' }))[0]).to.equal(404);
    expect((await ask('/metrics'))[1]).to.include('prolo_http_requests_total{status="200"} 3');
  });

  it('an error in it is the router’s to tell', async () => {
    await start(() => {
      throw new Error('front broke');
    });
    expect(await ask('/routed')).to.deep.equal([200, 'router']);
  });
});
