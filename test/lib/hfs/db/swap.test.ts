import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { changeMode } from '../../../../src/lib/contest/table.ts';
import { startMode, stopMode } from '../../../../src/lib/contest/mode.ts';
import { createHomes, type Homes } from '../../../../src/lib/hfs/db/homes.ts';
import { findHome, listHomes } from '../../../../src/lib/hfs/db/table.ts';
import { writeChoice } from '../../../../src/lib/hfs/db/sets-table.ts';
import { restoreHome } from '../../../../src/lib/hfs/db/restore.ts';
import { mustBeFree } from '../../../../src/lib/hfs/db/free.ts';
import type { Opened } from '../../../../src/lib/hfs/protocol.ts';
import { silentLog } from '../../../../src/lib/log.ts';
import { dumpStore, loadDump } from '../../../../src/lib/store/dump.ts';
import { openStore, type Store, transact } from '../../../../src/lib/store/store.ts';
import { rejection } from '../../../support/rejection.ts';
import { makeTestSite, type TestSite } from '../../../support/site.ts';
import { onBothStores } from '../../../support/stores.ts';
import { fillSite } from '../../presence/support.ts';

onBothStores('the homes of a contest', (fresh) => {
  let test: TestSite;
  let store: Store;
  let homes: Homes;
  let sessions = 0;
  const PEOPLE = 8;

  beforeEach(async () => {
    test = await makeTestSite();
    store = await fresh();
    await fillSite(test.site, store, PEOPLE);
    homes = createHomes(test.site, silentLog, store);
  });
  afterEach(() => test.remove());

  const contest = (verb: 'start' | 'stop', wish: { homes?: string } = {}): Promise<unknown> =>
    changeMode(store, 'test', (mode) =>
      (verb === 'start' ? startMode : stopMode)(mode, { now: new Date(), by: 'test', ...wish }),
    );
  const logIn = (login: string, hostname: string): PromiseLike<unknown> =>
    store.knex('presence').insert({
      ...{ login, hostname, ip: '127.0.0.1' },
      since: new Date(Date.UTC(2026, 4, 1) + ++sessions).toISOString(),
    });
  const logOut = (login: string): PromiseLike<unknown> => store.knex('presence').where({ login }).delete();
  const open = (login: string, hfs = 0): Promise<Opened> => homes.open(login, hfs, '127.0.0.1');
  /** A session of its own that makes the home where there is none. */
  const session = async (login: string, hostname: string): Promise<Opened> => {
    await logOut(login);
    await logIn(login, hostname);
    const opened = await open(login);
    if (opened.action === 'create') await homes.created({ login: opened.login, hfs: 0, epoch: opened.epoch });
    return opened;
  };
  const said = ({ login, action, epoch }: Opened): string => `${action} ${login} ${epoch}`;

  it('are made at the first login of it, are there again at the next one, and the usual ones come back', async () => {
    expect(said(await session('u1', 'm1'))).to.equal('create u1 1');
    await contest('start');
    expect(said(await open('u1')), 'who is logged on keeps what they have').to.equal('serve u1 1');
    expect(said(await session('u1', 'm1'))).to.equal('create u1@contest 2');
    await contest('stop');
    expect(said(await open('u1')), 'after it too').to.equal('serve u1@contest 2');
    expect(said(await session('u1', 'm2'))).to.equal('serve u1 1');
    await contest('start');
    expect(said(await session('u1', 'm1'))).to.equal('serve u1@contest 2');
    await contest('stop');
    await contest('start', { homes: 'semifinal' });
    expect(said(await session('u1', 'm1'))).to.equal('create u1@semifinal 3');
    expect(
      (await listHomes(store.knex)).map(({ login, epoch, seat }) => [login, epoch, seat?.hostname]),
    ).to.deep.equal([
      ['u1', 1, undefined],
      ['u1@contest', 2, undefined],
      ['u1@semifinal', 3, 'm1'],
    ]);
  });

  it('are not those of organisers, nor of whom an operator has said so', async () => {
    await contest('start');
    expect(said(await session('boss', 'orga1'))).to.equal('create boss 1');
    await transact(store, (tx) => writeChoice(tx, 'u1', 'usual'));
    expect(said(await session('u1', 'm1'))).to.equal('create u1 1');
    await transact(store, (tx) => writeChoice(tx, 'u1', null));
    expect(said(await session('u1', 'm1'))).to.equal('create u1@contest 2');
  });

  it('never share an epoch with others of the same person, also when one of them moves or is made anew', async () => {
    await session('u1', 'm1');
    await contest('start');
    await session('u1', 'm1'); // u1@contest, 2
    await contest('stop');
    await logOut('u1');
    await logIn('u1', 'm1');
    const moved = await open('u1', 1);
    expect(said(moved)).to.equal('fetch u1 3');
    expect(moved).to.deep.include({ source: { hfs: 0, epoch: 1 } });
    expect(await findHome(store.knex, 'u1@contest')).to.include({ epoch: 2, last_epoch: 3, state: 'here' });
    await contest('start');
    await logOut('u1');
    await logIn('u1', 'm1');
    expect(said(await open('u1', 1))).to.equal('fetch u1@contest 4');
    expect(await findHome(store.knex, 'u1')).to.include({ target: 1, target_epoch: 3, last_epoch: 4 });
  });

  it('a home that its owner does not work in is free, and the other is not', async () => {
    await session('u1', 'm1');
    await contest('start');
    expect(await mustBeFree(store.knex, 'u1@contest')).to.equal(undefined);
    expect(await rejection(mustBeFree(store.knex, 'u1'))).to.include({ kind: 'conflict' });
    await logOut('u1');
    await logIn('u1', 'm2');
    for (const name of ['u1', 'u1@contest'])
      expect(await rejection(mustBeFree(store.knex, name)), 'not given one yet').to.include({
        kind: 'conflict',
      });
    await open('u1');
    expect(await mustBeFree(store.knex, 'u1')).to.equal(undefined);
  });

  it('one answer a session, and the contest’s for every login after its start, whoever comes at that moment', async () => {
    const people = Array.from({ length: PEOPLE }, (_, i) => [`u${i + 1}`, `m${i + 1}`] as const);
    let kept = 0;
    for (let round = 0; round < 6; round++) {
      const verb = round % 2 === 0 ? 'start' : 'stop';
      const [was, becomes] = verb === 'start' ? ['usual', 'contest'] : ['contest', 'usual'];
      let isDone = false;
      let begin = (): void => undefined;
      const begun = new Promise<void>((resolve) => (begin = resolve));
      const changed = begun.then(async () => {
        await contest(verb);
        isDone = true;
      });
      const results = await Promise.all(
        people.map(async ([login, hostname], i) => {
          await sleep(3 * i);
          await logOut(login);
          await logIn(login, hostname);
          const isAfter = isDone;
          const answers = await Promise.all([open(login), open(login), open(login)]);
          begin(); // the first of them has an answer, and the others come meanwhile
          await changed;
          answers.push(await open(login));
          return { names: [...new Set(answers.map((one) => one.login))], login, isAfter };
        }),
      );
      for (const { names, login, isAfter } of results) {
        expect(names.length, `${login} in round ${round}: ${names.join()}`).to.equal(1);
        const set = names[0] === login ? 'usual' : 'contest';
        expect(isAfter ? [becomes] : [was, becomes]).to.include(set);
        if (set === was) kept++;
      }
      for (const [login, hostname] of people) {
        await logOut(login);
        await logIn(login, hostname);
        expect((await open(login)).login === login, login).to.equal(becomes === 'usual');
      }
    }
    expect(kept, 'nobody came before it').to.be.at.least(6);
    const rows = await listHomes(store.knex);
    const epochs = rows.map(({ login, epoch }) => `${login.split('@')[0]} ${epoch}`);
    expect(new Set(epochs).size).to.equal(rows.length);
  });

  it('an epoch that a restore spent on a home that never was one is no other’s', async () => {
    await session('u1', 'm1');
    await logOut('u1');
    const kept = { hfs: 0, epoch: 9 };
    const asked: [string, unknown][] = [];
    const ask: Homes['ask'] = (_hfs, method, kwargs) => {
      asked.push([method, kwargs.epoch]);
      return method === 'place_restored' ? Promise.reject(new Error('no answer')) : Promise.resolve(1);
    };
    const want = { login: 'u1@contest', kept, force: false, actor: 'test' };
    expect(String(await rejection(restoreHome({ ...homes, ask }, store, want)))).to.include('no answer');
    expect(asked).to.deep.include(['place_restored', 2]);
    await contest('start');
    expect(said(await session('u1', 'm1'))).to.equal('create u1@contest 3');
  });

  it('are in a backup of the site', async () => {
    await contest('start');
    await session('u1', 'm1');
    await transact(store, (tx) => writeChoice(tx, 'u2', 'usual'));
    const dump = await dumpStore(store);
    const other = await fresh();
    await loadDump(other, JSON.parse(JSON.stringify(dump)) as typeof dump);
    expect(await listHomes(other.knex)).to.deep.equal(await listHomes(store.knex));
    expect(await other.knex('home_choices').select()).to.deep.equal([{ login: 'u2', set: 'usual' }]);
  });

  it('a database of before keeps its homes, its sessions, and what its contest does', async () => {
    await logIn('u1', 'm1');
    const { knex, url } = store;
    for (const table of ['homes', 'home_sessions', 'home_choices']) await knex.schema.dropTable(table);
    await knex.schema.alterTable('contest', (t) => t.dropColumn('homes'));
    await knex.schema.createTable('homes', (t) => {
      t.string('login', 32).primary();
      for (const name of ['hfs', 'epoch', 'last_epoch']) t.integer(name).notNullable();
      t.index('hfs');
      t.string('state', 16).notNullable();
      t.integer('target');
      t.integer('target_epoch');
      t.bigInteger('size_bytes').notNullable();
      t.string('changed_at', 32).notNullable();
    });
    const at = '2026-05-01T10:00:00.000Z';
    const home = { hfs: 1, state: 'here', size_bytes: 5 * 1024 ** 3, changed_at: at };
    await knex('homes').insert([
      { ...home, login: 'u1', epoch: 3, last_epoch: 5, target: null, target_epoch: null },
      { ...home, login: 'u2', state: 'moving', epoch: 1, last_epoch: 2, target: 0, target_epoch: 2 },
    ]);
    await knex('contest').insert({ id: 1, epoch: 1, starts_at: at, changed_at: at, changed_by: 'x' });
    await knex('migrations').where({ name: '006-home-sets' }).delete();

    const updated = await openStore(url);
    try {
      expect(await listHomes(updated.knex)).to.deep.equal([
        {
          ...{ ...home, login: 'u1', epoch: 3, last_epoch: 5, target: null, target_epoch: null },
          seat: {
            hostname: 'm1',
            ip: (await updated.knex('machines').where({ hostname: 'm1' }).first('ip')).ip,
          },
        },
        {
          ...{ ...home, login: 'u2', state: 'moving', epoch: 1, last_epoch: 2, target: 0, target_epoch: 2 },
          seat: null,
        },
      ]);
      homes = createHomes(test.site, silentLog, updated);
      expect(said(await homes.open('u1', 1, '127.0.0.1'))).to.equal('serve u1 3');
      await logOut('u1');
      await logIn('u1', 'm1');
      expect(said(await homes.open('u1', 1, '127.0.0.1')), 'a contest that ran').to.equal('serve u1 3');
    } finally {
      await updated.close();
    }
  });
});
