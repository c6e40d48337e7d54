import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { HomesList } from '../../src/lib/hfs/db/operate.ts';
import type { Home } from '../../src/lib/hfs/protocol.ts';
import { createRpcClient, type RpcClient } from '../../src/lib/rpc/client.ts';
import { serviceUrl } from '../../src/lib/site/site.ts';
import { homesPackages, type HomesSite, makeHomesSite } from '../support/homes.ts';
import { needs } from '../support/needs.ts';
import { rejection } from '../support/rejection.ts';

const MIB = 1024 ** 2;

describe('homes, as operators ask for them', function () {
  this.timeout(60_000);
  let homes: HomesSite;
  let hfsdb: RpcClient;
  const actor = 'test';
  const row = async (login: string): Promise<Home> => (await homes.row(login))!;

  before(async function () {
    needs(this, homesPackages);
    homes = await makeHomesSite({ users: 4, seats: 4, sizeBytes: 32 * MIB });
    const { config } = homes.site;
    hfsdb = createRpcClient(serviceUrl(config, 'hfsdb'), homes.site.secret('hfs.control'), 30_000);
    for (const [i, login] of ['u001', 'u002', 'u003'].entries()) await homes.enter(login, 0, i + 1);
  });
  after(() => homes?.close());

  const logOut = async (login: string, n: number): Promise<void> => {
    await homes.logout(login, homes.seat(0, n));
    await createRpcClient(`http://127.0.0.1:${homes.site.config.portBase + 100}`, homes.site.secret('hfs.control')) // prettier-ignore
      .call('stop', { login });
  };

  it('lists them, with who is where', async () => {
    const list = (await hfsdb.call('list')) as HomesList;
    expect(
      list.homes.map(({ login, hfs, state, seat }) => [login, hfs, state, seat?.hostname]),
    ).to.deep.equal([
      ['u001', 0, 'here', 'seat0-1'],
      ['u002', 0, 'here', 'seat0-2'],
      ['u003', 0, 'here', 'seat0-3'],
    ]);
    expect(list.servers.map(({ hfs, error, served }) => [hfs, error, served.length])).to.deep.equal([
      [0, null, 3],
      [1, null, 0],
    ]);
  });

  it('refuses what would take a home from under somebody, and says where they are', async () => {
    for (const [method, more] of [
      ['move', { hfs: 1 }],
      ['resize', { size_bytes: 64 * MIB }],
      ['reset', { purge: false }],
    ] as const)
      expect(await rejection(hfsdb.call(method, { login: 'u001', actor, ...more })), method).to.include({
        kind: 'conflict',
        message: 'home u001: logged on at seat0-1',
      });
  });

  it('moves one in the background', async () => {
    await logOut('u001', 1);
    await hfsdb.call('move', { login: 'u001', hfs: 1, actor });
    const moved = async (): Promise<boolean> => (await row('u001')).state === 'here';
    for (const deadline = Date.now() + 20_000; !(await moved()) && Date.now() < deadline;) await sleep(50);
    expect(await row('u001')).to.include({ hfs: 1, state: 'here', epoch: 2 });
  });

  it('resizes one, both ways', async () => {
    await logOut('u002', 2);
    for (const size of [64 * MIB, 24 * MIB]) {
      await hfsdb.call('resize', { login: 'u002', size_bytes: size, actor });
      expect(statSync(homes.image(0, 'u002', 1)).size).to.equal(size);
      expect(Number((await row('u002')).size_bytes)).to.equal(size);
    }
    expect(await homes.enter('u002', 0, 2)).to.have.property('port');
  });

  it('waits with a resize for what serves a home after a logout', async () => {
    await homes.logout('u002', homes.seat(0, 2));
    await hfsdb.call('resize', { login: 'u002', size_bytes: 40 * MIB, actor });
    expect(statSync(homes.image(0, 'u002', 1)).size).to.equal(40 * MIB);
  });

  it('resets one: the old is kept under a dated name, the next login makes another', async () => {
    await logOut('u003', 3);
    const { kept } = (await hfsdb.call('reset', { login: 'u003', purge: false, actor })) as { kept: string };
    expect(existsSync(kept)).to.equal(true);
    expect(await row('u003')).to.include({ state: 'creating', epoch: 2 });
    await homes.enter('u003', 1, 3);
    expect(await row('u003')).to.include({ state: 'here', hfs: 1, epoch: 3 });
  });

  it('finds what is missing on a disk, and what nobody has', async () => {
    expect(await hfsdb.call('doctor', { fix: false })).to.deep.equal([]);
    const dir = join(homes.image(0, 'u001', 1), '..');
    expect(readdirSync(dir).filter((name) => name.startsWith('u003')).length).to.equal(1);
    const store = await homes.test.store();
    await store.knex('homes').insert({ ...(await row('u001')), login: 'u004', hfs: 0, epoch: 7 });
    expect(await hfsdb.call('doctor', { fix: false })).to.deep.include({
      login: 'u004',
      hfs: 0,
      what: 'its image is missing: it is at hfs 0, epoch 7',
    });
  });
});
