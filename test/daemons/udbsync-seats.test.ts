import { expect } from 'chai';
import { start } from '../../src/daemons/udbsync.ts';
import { silentLog } from '../../src/lib/log.ts';
import { changeMachines, removeMachines, updateMachine } from '../../src/lib/mdb/machines.ts';
import { makeToken } from '../../src/lib/rpc/token.ts';
import { addUser, removeUsers, updateUser } from '../../src/lib/udb/users.ts';
import { rawRequest } from '../support/feed.ts';
import { makeTestSite } from '../support/site.ts';
import { onBothStores } from '../support/stores.ts';

const SEAT = '10.0.0.1';
const CLUSTER = '10.0.11.1';
const SERVER = '10.0.10.1';
const FREE = '10.0.0.99';

/** As nginx on the gateway passes it on; a test has no other address than loopback's. */
function poll(hmac: string, ip?: string): string {
  const head = [`GET /poll?data=%7B%7D&hmac=${hmac} HTTP/1.1`, 'Host: udbsync'];
  return [...head, ...(ip ? [`X-Real-IP: ${ip}`] : []), '\r\n'].join('\r\n');
}

onBothStores('udbsync for seats', (fresh) => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  const run = async () => {
    const test = await makeTestSite({
      allow: ['10.0.0.0/16'],
      networks: [{ name: 'lan', cidr: '10.0.0.0/16', role: 'machines', gateway: '10.0.255.254' }],
      pools: { user: '10.0.0.1-10.0.9.254', orga: 'user', service: '10.0.10.1-10.0.10.254', cluster: '10.0.11.1-10.0.11.254' }, // prettier-ignore
    });
    const { site } = test;
    const store = await fresh();
    const key = site.secret('passwords.key');
    const add = (login: string, group: string) =>
      addUser(store, site.config, 'test', { login, group, password: 'plain-password-1' }, key);
    const machine = (hostname: string, mtype: string, ip: string) => ({
      input: { hostname, mac: `02:00:00:00:00:${ip.split('.')[2]!.padStart(2, '0')}`, ip, mtype, rfs: 0, hfs: 0 }, // prettier-ignore
    });
    await changeMachines(store, site.config, 'test', () => ({
      wishes: [
        machine('seat1', 'user', SEAT),
        machine('cl1', 'cluster', CLUSTER),
        machine('srv', 'service', SERVER),
      ],
    }));
    await add('zoe', 'user');
    await add('oli', 'orga');
    await add('max', 'root');
    const daemon = await start({ site, log: silentLog, store: () => Promise.resolve(store) });
    cleanups.push(test.remove, () => daemon.close());
    const token = (name: 'udbsync.seats' | 'udbsync.subscribe' | 'udbsync.publish' | 'hfs.shared') =>
      makeToken(site.secret(name), 'None', Date.now());
    const listen = (hmac: string, ip?: string) => {
      const feed = rawRequest(daemon.url!, poll(hmac, ip));
      cleanups.push(() => Promise.resolve(void feed.socket.destroy()));
      return feed;
    };
    return { site, store, key, add, machine, token, listen, url: daemon.url! };
  };
  const hashes = (line: { data: Record<string, unknown> }[]) =>
    Object.fromEntries(line.map(({ data }) => [data.login, String(data.password).slice(0, 3)]));

  it('a seat gets everybody, and no hash of a root, now or later', async () => {
    const { site, store, key, token, listen } = await run();
    const feeds = [listen(token('udbsync.seats'), SEAT), listen(token('udbsync.seats'), CLUSTER)];
    for (const feed of feeds)
      expect(hashes((await feed.lines(1))[0]!)).to.deep.equal({ zoe: '$6$', oli: '$6$', max: '*' });
    await updateUser(store, site.config, 'test', 'max', { password: 'plain-password-2' }, key);
    await updateUser(store, site.config, 'test', 'oli', { password: 'plain-password-2' }, key);
    await removeUsers(store, site.config, 'test', ['max']);
    for (const feed of feeds) {
      const lines = await feed.lines(4);
      expect(lines.slice(1).map(hashes)).to.deep.equal([{ max: '*' }, { oli: '$6$' }, { max: '*' }]);
      expect(lines[3]![0]!.type).to.equal('delete');
    }
  });

  it('a server gets all, as before; its token counts from anywhere', async () => {
    const { token, listen } = await run();
    for (const ip of [SERVER, SEAT, FREE, undefined])
      expect(hashes((await listen(token('udbsync.subscribe'), ip).lines(1))[0]!).max).to.equal('$6$');
  });

  it('from any other address it is 403, and nothing is told: a stranger, a server, the gateway itself, a replay', async () => {
    const { token, listen } = await run();
    const hmac = token('udbsync.seats');
    await listen(hmac, SEAT).lines(1);
    // The very token that a seat has just used.
    for (const ip of [FREE, SERVER, undefined, '10.0.0.1.', '::ffff:10.0.0.1x', '010.0.0.1']) {
      const feed = listen(hmac, ip);
      await expectRefused(feed);
    }
    for (const wrong of [
      '',
      hmac.slice(0, -1) + (hmac.endsWith('0') ? '1' : '0'),
      token('udbsync.publish'),
      token('hfs.shared'),
    ])
      // prettier-ignore
      await expectRefused(listen(wrong, SEAT));
  });

  it('a header from elsewhere than a proxy of this host is not what says who asks', async () => {
    const { token, listen, url } = await run();
    // Over another address than loopback there is no peer in a test; two headers, of which the first is the proxy's.
    const request = `GET /poll?data=%7B%7D&hmac=${token('udbsync.seats')} HTTP/1.1\r\nHost: udbsync\r\nX-Forwarded-For: ${SEAT}\r\nForwarded: for=${SEAT}\r\n\r\n`; // prettier-ignore
    await expectRefused(rawRequest(url, request));
    await listen(token('udbsync.seats'), SEAT).lines(1);
  });

  it('a machine that leaves MDB, moves or becomes a server is cut off; one that comes may listen', async () => {
    const { site, store, machine, token, listen } = await run();
    const server = listen(token('udbsync.subscribe'), SEAT);
    await server.lines(1);
    const stays = listen(token('udbsync.seats'), CLUSTER);
    await stays.lines(1);
    for (const leave of [
      () => updateMachine(store, site.config, 'test', 'seat1', { ip: FREE }),
      () => updateMachine(store, site.config, 'test', 'seat1', { mtype: 'service', ip: '10.0.10.9' }),
      () => removeMachines(store, site.config, 'test', ['seat1']),
    ]) {
      const feed = listen(token('udbsync.seats'), SEAT);
      await feed.lines(1);
      await leave();
      await feed.closed;
      await expectRefused(listen(token('udbsync.seats'), SEAT));
      await changeMachines(store, site.config, 'test', (current) => {
        const old = current.find(({ hostname }) => hostname === 'seat1');
        return { wishes: [{ ...machine('seat1', 'user', SEAT), ...(old ? { machine: old } : {}) }] };
      });
      await untilAccepted(() => listen(token('udbsync.seats'), SEAT));
    }
    expect(stays.socket.destroyed || server.socket.destroyed).to.equal(false);
  });

  it('hundreds of seats at once get each change', async () => {
    const { add, token, listen } = await run();
    const hmac = token('udbsync.seats');
    const feeds = Array.from({ length: 300 }, () => listen(hmac, SEAT));
    await Promise.all(feeds.map((feed) => feed.lines(1)));
    await add('eve', 'root');
    const last = await Promise.all(feeds.map((feed) => feed.lines(2)));
    expect(last.every((lines) => lines[1]![0]!.data.password === '*')).to.equal(true);
  });
});

async function expectRefused(feed: ReturnType<typeof rawRequest>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!feed.text().includes('\r\n\r\n') && Date.now() < deadline)
    await new Promise((go) => setTimeout(go, 5));
  expect(feed.text()).to.match(/^HTTP\/1\.1 403 /);
  expect(feed.text()).not.to.include('zoe');
  feed.socket.destroy();
}

/** MDB's word takes a moment to get there. */
async function untilAccepted(listen: () => ReturnType<typeof rawRequest>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const feed = listen();
    const told = await Promise.race([feed.lines(1).then(() => true), refusal(feed)]);
    feed.socket.destroy();
    if (told) return;
  }
  throw new Error('never accepted');
}

async function refusal(feed: ReturnType<typeof rawRequest>): Promise<boolean> {
  for (let look = 0; look < 4000 && !feed.text().includes(' 403 '); look++)
    await new Promise((go) => setTimeout(go, 5));
  return false;
}
