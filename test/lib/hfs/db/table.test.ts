import { expect } from 'chai';
import type { ProloError } from '../../../../src/lib/errors.ts';
import {
  findHome,
  findOwner,
  findSeat,
  findWhereabouts,
  listHomes,
  mustFindHome,
  writeHome,
  writeQuota,
} from '../../../../src/lib/hfs/db/table.ts';
import type { Home } from '../../../../src/lib/hfs/protocol.ts';
import { type Store, transact } from '../../../../src/lib/store/store.ts';
import { rejection } from '../../../support/rejection.ts';
import { makeTestSite, type TestSite } from '../../../support/site.ts';
import { onBothStores } from '../../../support/stores.ts';
import { fillSite } from '../../presence/support.ts';

const GIB = 1024 ** 3;
const home = (login: string, more: Partial<Home> = {}): Home => ({
  ...{ login, hfs: 0, epoch: 1, last_epoch: 1, state: 'here', target: null, target_epoch: null },
  ...{ size_bytes: 5 * GIB, changed_at: '2026-05-01T10:00:00.000Z' },
  ...more,
});

onBothStores('the table of homes', (fresh) => {
  let test: TestSite;
  before(async () => (test = await makeTestSite({ groups: { orga: { quotaBytes: 0 } } })));
  after(() => test.remove());
  const write = (store: Store, ...rows: Home[]): Promise<void> =>
    transact(store, async (tx) => {
      for (const row of rows) await writeHome(tx, row);
    });
  const sit = (store: Store, login: string, hostname: string, ip: string) =>
    store.knex('presence').insert({ login, hostname, ip, since: '2026-05-01T10:00:00.000Z' });

  it('gives back what was written, a size beyond 32 bits too; written again, it is replaced', async () => {
    const store = await fresh();
    const moving = home('u1', { state: 'moving', target: 1, target_epoch: 2, last_epoch: 2 });
    await write(store, home('u1'));
    expect(await findHome(store.knex, 'u1')).to.deep.equal(home('u1'));
    await write(store, moving);
    expect(await findHome(store.knex, 'u1')).to.deep.equal(moving);
    expect(await findHome(store.knex, 'u2')).to.equal(undefined);
    expect(await rejection(mustFindHome(store.knex, 'u2'))).to.include({ kind: 'not-found', message: 'home u2: there is none' }); // prettier-ignore
  });

  it('lists those that a server has, or gets, by login, with where their owners sit by MDB’s address', async () => {
    const store = await fresh();
    await fillSite(test.site, store, 2);
    const [{ ip }] = (await store.knex('machines').where({ hostname: 'm1' })) as [{ ip: string }];
    await sit(store, 'u2', 'm1', '10.9.9.9');
    await sit(store, 'u_1', 'gone', '10.9.9.8');
    await write(
      store,
      home('u2', { state: 'moving', target: 1, target_epoch: 2 }),
      home('u10', { hfs: 1 }),
      home('u_1'),
    );
    const seats = async (hfs?: number): Promise<string[]> =>
      (await listHomes(store.knex, hfs)).map(({ login, seat }) => `${login} ${seat?.hostname} ${seat?.ip}`);
    expect(await seats()).to.deep.equal(['u10 undefined undefined', `u2 m1 ${ip}`, 'u_1 gone 10.9.9.8']);
    expect(await seats(0)).to.deep.equal([`u2 m1 ${ip}`, 'u_1 gone 10.9.9.8']);
    expect(await seats(1)).to.deep.equal(['u10 undefined undefined', `u2 m1 ${ip}`]);
    expect(await seats(2)).to.deep.equal([]);
    expect((await listHomes(store.knex))[0]!.size_bytes).to.equal(5 * GIB);
    expect(await findSeat(store.knex, 'u2')).to.deep.equal({ hostname: 'm1', ip });
    expect(await findWhereabouts(store.knex, 'nobody', ip)).to.deep.equal({ seat: null, caller: 'm1' });
    expect(await findWhereabouts(store.knex, 'u2', '10.9.9.9')).to.deep.equal({
      seat: { hostname: 'm1', ip },
      caller: null,
    });
  });

  it('a new home’s size is the person’s own, else the group’s; a quota of 0 is none', async () => {
    const store = await fresh();
    await fillSite(test.site, store, 1);
    const { config } = test.site;
    const size = async (login: string): Promise<number | string> =>
      findOwner(store.knex, config, login).then(
        ({ size_bytes }) => size_bytes,
        (error: ProloError) => `${error.kind}: ${error.message}`,
      );
    expect(await size('u1')).to.equal(config.groups.user.quotaBytes);
    expect(await size('boss')).to.equal('forbidden: home boss: its quota is 0');
    expect(await size('nobody')).to.equal('not-found: user nobody: not in UDB');
    for (const bytes of [3 * GIB, 6 * GIB]) {
      await transact(store, async (tx) => {
        await writeQuota(tx, 'u1', bytes);
        await writeQuota(tx, 'boss', bytes);
      });
      expect([await size('u1'), await size('boss')]).to.deep.equal([bytes, bytes]);
    }
    const { uid, gid, group } = await findOwner(store.knex, config, 'u1');
    expect({ uid, gid, group }).to.deep.equal({ uid: 10_000, gid: config.groups.user.gid, group: 'user' });
  });
});
