import { expect } from 'chai';
import { start } from '../../src/daemons/udbsync.ts';
import { silentLog } from '../../src/lib/log.ts';
import { addUser, applyUserUpdates, listUsers, removeUsers, updateUser } from '../../src/lib/udb/users.ts';
import { follow, pollRequest, postSigned, rawRequest } from '../support/feed.ts';
import { makeTestSite } from '../support/site.ts';
import { onBothStores } from '../support/stores.ts';

onBothStores('udbsync', (fresh) => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  const run = async () => {
    const test = await makeTestSite();
    const { site } = test;
    const store = await fresh();
    const key = site.secret('passwords.key');
    const add = (login: string, password: string) =>
      addUser(store, site.config, 'test', { login, firstname: 'Zoé', lastname: 'Ö', password }, key);
    await add('zoe', 'plain-password-1');
    const daemon = await start({ site, log: silentLog, store: () => Promise.resolve(store) });
    cleanups.push(test.remove, () => daemon.close());
    const [publish, subscribe] = [site.secret('udbsync.publish'), site.secret('udbsync.subscribe')];
    return { site, store, key, add, url: daemon.url!, publish, subscribe };
  };

  it('carries the hash of a password, never the password', async () => {
    const { site, store, key, add, url, subscribe } = await run();
    const feed = rawRequest(url, pollRequest(subscribe));
    const [state] = await feed.lines(1);
    expect(state).to.have.length(1);
    expect(Object.keys(state![0]!.data).sort()).to.deep.equal([
      'firstname',
      'group',
      'id',
      'lastname',
      'login',
      'password',
      'shell',
      'ssh_key',
      'uid',
    ]);
    expect(state![0]!.data).to.include({ login: 'zoe', firstname: 'Zoé', group: 'user', uid: 10000 });
    expect(state![0]!.data.password).to.match(/^\$6\$/);
    await add('max', 'plain-password-2');
    await updateUser(store, site.config, 'test', 'zoe', { password: 'plain-password-3' }, key);
    await removeUsers(store, site.config, 'test', ['max']);
    const lines = await feed.lines(4);
    expect(lines.slice(1).map(([update]) => [update!.type, update!.data.login])).to.deep.equal([
      ['update', 'max'],
      ['update', 'zoe'],
      ['delete', 'max'],
    ]);
    expect(lines[2]![0]!.data.password)
      .to.match(/^\$6\$/)
      .and.not.equal(state![0]!.data.password);
    expect(feed.text()).not.to.include('plain-password');
    expect(feed.text()).not.to.include('sealed');
    feed.socket.destroy();
  });

  it('publishes what is posted to /update from the change log', async () => {
    const { store, url, publish, subscribe } = await run();
    const follower = follow({ url, secret: subscribe, pk: 'login' });
    await follower.until(() => follower.changes.length === 1);
    const [zoe] = await listUsers(store.knex);
    const updates = [
      { type: 'update', data: { ...zoe!, shell: '/bin/zsh' } },
      { type: 'update', data: { login: 'ada', firstname: 'Ada', lastname: 'L', password: zoe!.password } },
    ];
    expect((await postSigned(`${url}/update`, publish, JSON.stringify(updates))).status).to.equal(200);
    await follower.until(() => follower.changes.length === 2);
    expect(follower.changes[1]).to.deep.equal({ zoe: 'updated', ada: 'created' });
    expect([...follower.state.values()]).to.have.deep.members(await listUsers(store.knex));
    await follower.stop();
  });

  it('refuses what is no user, all or nothing', async () => {
    const { site, store, url, publish } = await run();
    const [zoe] = await listUsers(store.knex);
    const before = await listUsers(store.knex);
    const good = { type: 'update', data: { login: 'ada', password: zoe!.password } };
    for (const [data, status] of [
      [{ login: 'root' }, 400],
      [{ login: 'a b' }, 400],
      [{ login: 'bob', uid: '10001' }, 400],
      [{ login: 'bob', admin: true }, 400],
      [{ login: 'bob', group: 'wheel' }, 400],
      [{ login: 'bob', shell: '/bin/sh\nroot::0:0::/:/bin/sh' }, 400],
      [{ login: 'bob', password: 'no hash' }, 400],
      [{ login: 'bob', password: zoe!.password, uid: zoe!.uid }, 409],
      [{ uid: 10_005 }, 400],
    ] as [object, number][]) {
      const body = JSON.stringify([good, { type: 'update', data }]);
      const answer = await postSigned(`${url}/update`, publish, body);
      expect(answer.status, `${JSON.stringify(data)}: ${answer.text}`).to.equal(status);
    }
    expect(await listUsers(store.knex)).to.deep.equal(before);
    await applyUserUpdates(store, site.config, 'test', []);
  });
});
