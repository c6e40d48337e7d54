import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { makeToken } from '../../src/lib/rpc/token.ts';
import { serviceUrl } from '../../src/lib/site/site.ts';
import { proloBin } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { createDatabase, postgresPackages } from '../support/postgres.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

/** Starts `prolo ARGS` and resolves once it has printed a line `ready`. */
async function startProlo(
  args: string[],
  test: TestSite,
): Promise<{ child: ChildProcess; output: () => string }> {
  const child = spawn(process.execPath, [proloBin, ...args, '--config', test.site.file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (part: Buffer) => (output += part.toString()));
  child.stderr.on('data', (part: Buffer) => (output += part.toString()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', () => /^ready$/m.test(output) && resolve());
    child.once('exit', () => reject(new Error(`ended before it was ready:\n${output}`)));
  });
  return { child, output: () => output };
}

async function exitOf(child: ChildProcess): Promise<{ code: number | null; tookMs: number }> {
  const start = Date.now();
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, tookMs: Date.now() - start };
}

/** The same database at a port of 127.0.0.1 that can fall silent. */
async function hangable(url: string): Promise<{ url: string; hang(): void; close(): void }> {
  const { hostname, pathname } = new URL(url);
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(join(decodeURIComponent(hostname), '.s.PGSQL.5432'));
    for (const socket of [near, far]) sockets.push(socket.on('error', () => undefined));
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `postgres://postgres@127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    hang: () => sockets.forEach((socket) => socket.unpipe().pause()),
    close() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
    },
  };
}

describe('prolo up', function () {
  this.timeout(60_000);
  let test: TestSite;
  let child: ChildProcess | undefined;
  beforeEach(
    async () =>
      (test = await makeTestSite({
        dns: { checks: 'if-present', reload: [] },
        dhcp: { checks: 'if-present' },
      })),
  );
  afterEach(async () => {
    child?.kill('SIGKILL');
    await test.remove();
  });

  /** An open subscription to mdbsync, its first line read. */
  async function subscribe(): Promise<void> {
    const token = makeToken(test.site.secret('mdbsync.subscribe'), 'None', Date.now());
    const response = await fetch(`${serviceUrl(test.site.config, 'mdbsync')}/poll?data={}&hmac=${token}`);
    const reader = response.body!.getReader();
    await reader.read();
    void reader.read().catch(() => undefined);
  }

  it('runs every daemon, says where, and ends within 2 s of SIGTERM with open feeds', async () => {
    const started = await startProlo(['up'], test);
    child = started.child;
    for (const name of ['mdb', 'udb', 'mdbsync', 'udbsync', 'netboot', 'mdbdns', 'mdbdhcp'])
      expect(started.output()).to.include(name);
    for (const service of ['mdb', 'udb', 'mdbsync', 'udbsync', 'netboot'] as const)
      expect(await (await fetch(`${serviceUrl(test.site.config, service)}/__ping`)).text()).to.equal('pong');
    await Promise.all([subscribe(), subscribe(), subscribe()]);
    child.kill('SIGTERM');
    const { code, tookMs } = await exitOf(child);
    expect(code).to.equal(0);
    expect(tookMs).to.be.below(2000);
  });

  it('ends at once at a second signal', async () => {
    ({ child } = await startProlo(['daemon', 'mdb', 'mdbsync'], test));
    await subscribe();
    child.kill('SIGTERM');
    child.kill('SIGTERM');
    expect((await exitOf(child)).tookMs).to.be.below(500);
  });

  it('ends within two seconds while its database no longer answers', async function () {
    needs(this, postgresPackages);
    const database = await createDatabase();
    const gateway = await hangable(database.url);
    const site = await makeTestSite({ database: gateway.url });
    try {
      ({ child } = await startProlo(['daemon', 'mdb', 'mdbsync', 'netboot'], site));
      gateway.hang();
      const asked = fetch(`${serviceUrl(site.site.config, 'mdb')}/call/query`).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 200));
      child.kill('SIGTERM');
      expect((await exitOf(child)).tookMs).to.be.below(2000);
      await asked;
    } finally {
      gateway.close();
      await site.remove();
      await database.drop();
    }
  });

  it('refuses a daemon that is none, and a port that is taken, by name', async () => {
    const run = async (...args: string[]) =>
      startProlo(args, test).then(
        () => '',
        (error: Error) => error.message,
      );
    expect(await run('daemon', 'nonsense'))
      .to.include('daemon nonsense: unknown')
      .and.include('mdbsync');
    ({ child } = await startProlo(['daemon', 'mdb'], test));
    expect(await run('up')).to.include(`port ${test.site.config.portBase}`);
  });
});
