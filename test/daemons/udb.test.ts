import { expect } from 'chai';
import { start } from '../../src/daemons/udb.ts';
import { silentLog } from '../../src/lib/log.ts';
import { makeToken } from '../../src/lib/rpc/token.ts';
import type { Store } from '../../src/lib/store/store.ts';
import { addUser, updateUser } from '../../src/lib/udb/users.ts';
import { callRpc, outcome, postCall, readAnswer } from '../support/rpc.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';
import { onBothStores } from '../support/stores.ts';

onBothStores('udb', (fresh) => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  const run = async (): Promise<{ url: string; store: Store; site: TestSite['site']; secret: string }> => {
    const test = await makeTestSite();
    const { site } = test;
    const store = await fresh();
    const key = site.secret('passwords.key');
    for (const [login, group, password] of [
      ['zoe', 'user', 'zoes-password'],
      ['adam', 'user', 'adams-password'],
      ['root2', 'root', 'roots-password'],
    ] as const)
      await addUser(
        store,
        site.config,
        'test',
        { login, firstname: login, lastname: 'X', group, password },
        key,
      );
    await updateUser(store, site.config, 'test', 'zoe', { shell: '/bin/zsh' }, key);
    const daemon = await start({ site, log: silentLog, store: () => Promise.resolve(store) });
    cleanups.push(test.remove, () => daemon.close());
    return { url: daemon.url!, store, site, secret: site.secret('udb.private') };
  };
  const logins = (data: unknown): string =>
    Array.isArray(data) ? (data as { login: string }[]).map(({ login }) => login).join(' ') : String(data);

  it('tells who there is, in order of login, and never a password', async () => {
    const { url } = await run();
    const answer = await readAnswer(await fetch(`${url}/call/query`));
    expect(answer).to.include({ status: 200, contentType: 'application/json' });
    expect(logins(answer.body.data)).to.equal('adam root2 zoe');
    for (const user of answer.body.data as object[])
      expect(user).to.have.all.keys(
        'id',
        'login',
        'firstname',
        'lastname',
        'uid',
        'group',
        'shell',
        'ssh_key',
      );
    expect(JSON.stringify(answer.body)).to.not.match(/password|\$6\$/);
  });

  it('filters by login, uid, group, shell, ssh_key and id, and by nothing else', async () => {
    const { url } = await run();
    const find = async (kwargs: Record<string, unknown>): Promise<string> =>
      logins(outcome(await callRpc(url, 'query', kwargs)));
    expect(await find({ login__in: ['zoe', 'nobody'] })).to.equal('zoe');
    expect(await find({ group: 'user' })).to.equal('adam zoe');
    expect(await find({ uid__gte: '12000' })).to.equal('root2');
    expect(await find({ shell__endswith: 'zsh' })).to.equal('zoe');
    expect(await find({ ssh_key: '', id__lte: 2 })).to.equal('adam zoe');
    for (const field of ['password', 'password_hash', 'sealed', 'firstname', 'password__startswith'])
      expect(await find({ [field]: 'x' }), field).to.match(/^500 FieldError: Cannot resolve keyword/);
  });

  it('tells passwords for a token, and notes whose and to whom', async () => {
    const { url, store, secret } = await run();
    const answer = await callRpc(url, 'query_private', { group: 'user' }, secret);
    expect(answer.status).to.equal(200);
    expect(
      (answer.body.data as { login: string; password: string }[]).map((u) => [u.login, u.password]),
    ).to.deep.equal([
      ['adam', 'adams-password'],
      ['zoe', 'zoes-password'],
    ]);
    expect((answer.body.data as object[])[0]).to.not.have.property('sealed');
    const notes = (await store.knex('audit').where({ action: 'udb query_private' })) as object[];
    expect(notes).to.have.length(1);
    expect(notes[0]).to.include({ actor: 'udb 127.0.0.1', details: 'adam zoe' });
  });

  it('tells no password without a good token', async () => {
    const { url, site, store, secret } = await run();
    const now = Date.now();
    const ask = async (hmac?: unknown): Promise<unknown> =>
      outcome(await postCall(url, 'query_private', JSON.stringify({ kwargs: { login: 'zoe' }, hmac })));
    expect(outcome(await readAnswer(await fetch(`${url}/call/query_private`)))).to.match(
      /^400 MissingToken: /,
    );
    for (const none of [undefined, null, '']) expect(await ask(none)).to.match(/^400 MissingToken: /);
    const wrong = [
      makeToken(secret, 'query_private', now - 125_000),
      makeToken(secret, 'query_private', now + 125_000),
      makeToken(secret, 'query', now),
      makeToken(site.secret('udbsync.subscribe'), 'query_private', now),
      `${makeToken(secret, 'query_private', now)}0`,
      makeToken(secret, 'query_private', now).toUpperCase(),
      'rubbish',
      5,
      {},
      [],
      true,
    ];
    for (const token of wrong) expect(await ask(token), String(token)).to.match(/^403 BadToken: /);
    expect(await ask(makeToken(secret, 'query_private', now))).to.have.length(1);
    expect((await store.knex('audit').where({ action: 'udb query_private' })) as object[]).to.have.length(1);
  });

  it('does not filter by a password, so that none can be guessed letter by letter', async () => {
    const { url, secret } = await run();
    const answer = await callRpc(url, 'query_private', { password__startswith: 'z' }, secret);
    expect(outcome(answer)).to.match(/^500 FieldError: /);
  });

  it('says how a token is made, on its page', async () => {
    const { url } = await run();
    const text = await (await fetch(`${url}/docs/json`)).text();
    expect(text).to.include('/call/query_private').and.include('HMAC-SHA256(udb.private');
  });
});
