import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { silentLog } from '../../../src/lib/log.ts';
import { change } from '../../../src/lib/store/change-log.ts';
import { followChanges } from '../../../src/lib/store/follow.ts';
import { openStore, readTogether, type Store, transact } from '../../../src/lib/store/store.ts';
import { needs } from '../../support/needs.ts';
import { type Cluster, postgresPackages, queryPostgres, startCluster } from '../../support/postgres.ts';
import { rejection } from '../../support/rejection.ts';

const note = (text: string) => () =>
  Promise.resolve({ value: 0, updates: [{ type: 'update' as const, data: { text } }] });

describe('a PostgreSQL server that stands still', function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let store: Store;
  const closing: (() => Promise<void>)[] = [];
  const count = async (what: string): Promise<number> =>
    Number((await queryPostgres(cluster.url, `select count(*) as n from ${what}`))[0]!.n);
  const open = async (more = ''): Promise<Store> => {
    const opened = await openStore(`${cluster.url}?query_timeout=1500&statement_timeout=1700${more}`);
    closing.push(() => opened.close());
    return opened;
  };
  /** Who gave up waiting for an answer wants to take all back, and waits for that too. */
  const untilRollbackIsLate = (): Promise<void> => sleep(2_000);

  before(async function () {
    needs(this, postgresPackages);
    cluster = startCluster();
    store = await open();
  });
  after(async () => {
    cluster?.thaw();
    for (const close of closing.splice(0).reverse()) await close();
    cluster?.remove();
  });

  it('leaves no half of a transaction to whoever comes next', async () => {
    const broken = transact(store, async (tx) => {
      await tx('settings').insert({ key: 'half', value: '1' });
      cluster.freeze();
      await tx('settings').insert({ key: 'rest', value: '1' });
    });
    const error = await rejection(broken);
    await untilRollbackIsLate();
    cluster.thaw();
    expect(error).to.include({ kind: 'unavailable' });
    expect(error.message).to.match(/^database postgres:.*: no answer$/);
    await transact(store, (tx) => tx('settings').insert({ key: 'next', value: '1' }));
    const rows = await queryPostgres(cluster.url, 'select key from settings order by key');
    expect(rows.map(({ key }) => key)).to.deep.equal(['next']);
    expect(await count(`pg_stat_activity where state like 'idle in%'`)).to.equal(0);
  });

  it('leaves no reader in the past', async () => {
    const broken = readTogether(store, async (tx) => {
      await tx('settings').select();
      cluster.freeze();
      return tx('settings').select();
    });
    expect(await rejection(broken)).to.include({ kind: 'unavailable' });
    await untilRollbackIsLate();
    cluster.thaw();
    await queryPostgres(cluster.url, `insert into settings values ('new', '1')`);
    for (let i = 0; i < 8; i++)
      expect((await store.knex('settings').where({ key: 'new' })) as object[]).to.have.length(1);
  });

  it('says of what was on its way to be written that it may be', async () => {
    const committing = transact(store, async (tx) => {
      await tx('settings').insert({ key: 'maybe', value: '1' });
      // PostgreSQL does this at the very end.
      await tx.raw(`create function wait() returns trigger language plpgsql as
        $$ begin perform pg_sleep(2.5); return new; end $$`);
      await tx.raw(`create constraint trigger late after insert on audit
        deferrable initially deferred for each row execute function wait()`);
      await tx('audit').insert({ at: '', actor: '', action: '', details: '' });
    });
    const error = (await rejection(committing)) as Error & { hint?: string };
    expect(error).to.include({ kind: 'unavailable' });
    expect(error.hint).to.include('look before you do it again');
    await transact(await open('&query_timeout=9000'), (tx) => tx.raw('drop trigger late on audit'));
    expect(await count(`settings where key = 'maybe'`), 'written all the same').to.equal(1);
  });

  it('is followed on from where the log was, whoever wrote meanwhile', async () => {
    const seen: unknown[] = [];
    const following = await followChanges(store, {
      feed: 'mdb',
      after: 0,
      onChange: ({ updates }) => seen.push(updates[0]!.data.text),
      pollMs: 10,
      log: silentLog,
    });
    closing.push(() => following.stop());
    const other = await open();
    await change(store, 'mdb', 'test', note('before'));
    cluster.freeze();
    await rejection(change(store, 'mdb', 'test', note('never')));
    await untilRollbackIsLate();
    cluster.thaw();
    await change(other, 'mdb', 'test', note('after'));
    for (let i = 0; i < 500 && seen.length < 2; i++) await sleep(20);
    cluster.stop('immediate');
    expect(await rejection(change(store, 'mdb', 'test', note('never')))).to.include({ kind: 'unavailable' });
    cluster.start();
    await change(other, 'mdb', 'test', note('crashed')).catch(() =>
      change(other, 'mdb', 'test', note('crashed')),
    );
    for (let i = 0; i < 500 && seen.length < 3; i++) await sleep(20);
    expect(seen).to.deep.equal(['before', 'after', 'crashed']);
  });

  it('is no worse than a writer that stands still: others are told, and wait for nobody for ever', async () => {
    const writer = await open('&idle_in_transaction_session_timeout=1500');
    const others = await open('&lock_timeout=300');
    const standing = rejection(
      transact(writer, async (tx) => {
        await tx('settings').insert({ key: 'standing', value: '1' });
        const error = await rejection(transact(others, () => Promise.resolve()));
        expect(error).to.include({ kind: 'unavailable' });
        expect(error.message).to.include('locked');
        await sleep(2_500);
        await transact(others, (other) => other('settings').insert({ key: 'other', value: '1' }));
        await tx('settings').select();
      }),
    );
    expect(await standing).to.include({ kind: 'unavailable' });
    expect(await count(`settings where key in ('standing', 'other')`)).to.equal(1);
  });
});
