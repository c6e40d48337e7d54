import { expect } from 'chai';
import { Type } from 'typebox';
import { ProloError } from '../../../../src/lib/errors.ts';
import { createHomes, type Homes } from '../../../../src/lib/hfs/db/homes.ts';
import { restoreHome } from '../../../../src/lib/hfs/db/restore.ts';
import { findHome, writeHome } from '../../../../src/lib/hfs/db/table.ts';
import type { Home } from '../../../../src/lib/hfs/protocol.ts';
import { createServer } from '../../../../src/lib/http/server.ts';
import { silentLog } from '../../../../src/lib/log.ts';
import type { RpcMethods } from '../../../../src/lib/rpc/call.ts';
import { serveRpc } from '../../../../src/lib/rpc/routes.ts';
import { hfsUrl } from '../../../../src/lib/site/site.ts';
import { type Store, transact } from '../../../../src/lib/store/store.ts';
import { rejection } from '../../../support/rejection.ts';
import { makeTestSite, type TestSite } from '../../../support/site.ts';
import { onBothStores } from '../../../support/stores.ts';
import { fillSite } from '../../presence/support.ts';

const here: Home = {
  ...{ login: 'u1', hfs: 0, epoch: 1, last_epoch: 1, state: 'here', target: null, target_epoch: null },
  ...{ size_bytes: 1024 ** 3, changed_at: '2026-05-01T10:00:00.000Z' },
};
const moving: Home = { ...here, state: 'moving', target: 1, target_epoch: 2, last_epoch: 2 };
const claim = { login: 'u1', hfs: 1, epoch: 2 };

onBothStores('hfsdb and the servers that it asks', (fresh) => {
  let test: TestSite;
  let store: Store;
  let homes: Homes;
  let asked: string[];
  const closing: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    test = await makeTestSite();
    closing.push(test.remove);
    store = await fresh();
    await fillSite(test.site, store, 1);
    homes = createHomes(test.site, silentLog, store);
    asked = [];
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  /** A home file server that answers as the test says; every other call is done at once. */
  async function serve(hfs: number, answers: Record<string, () => unknown> = {}): Promise<void> {
    const number = (): ReturnType<typeof Type.Optional> => Type.Optional(Type.Integer());
    const params = Type.Object({
      login: Type.Optional(Type.String()),
      ...{ epoch: number(), target_epoch: number(), kept: number() },
    });
    const names = ['end_source', 'settle', 'stop', 'prepare_restore', 'place_restored', 'discard_restore'];
    const methods: RpcMethods = Object.fromEntries(
      names.map((name) => [
        name,
        {
          ...{ description: name, secret: 'hfs.control', params, result: Type.Any() },
          async run({ epoch, target_epoch }: Record<string, unknown>) {
            const numbers = [epoch, target_epoch].filter((one) => one !== undefined);
            asked.push([`${hfs}:${name}`, ...numbers].join(' '));
            return (await answers[name]?.()) ?? true;
          },
        },
      ]),
    );
    const { port } = new URL(hfsUrl(test.site.config, hfs));
    const listen = { host: '127.0.0.1', port: Number(port) };
    const server = createServer(test.context, 'hfs', { listen });
    await serveRpc(server, test.context, methods, { title: `HFS ${hfs}`, description: 'of a test' });
    const running = await server.start();
    closing.push(() => running.close());
  }
  const put = (row: Home): Promise<void> => transact(store, (tx) => writeHome(tx, row));
  const row = (): Promise<Home | undefined> => findHome(store.knex, 'u1');
  const later = (): { promise: Promise<void>; resolve: () => void } => {
    let resolve = (): void => undefined;
    const promise = new Promise<void>((done) => (resolve = done));
    return { promise, resolve };
  };

  describe('the end of a move', () => {
    it('is recorded once the source has given its word, and asked for once', async () => {
      await serve(0);
      await put(moving);
      await homes.finishMove(claim);
      expect(await row()).to.include({ hfs: 1, epoch: 2, last_epoch: 2, state: 'here', target: null });
      await homes.finishMove(claim);
      expect(asked).to.deep.equal(['0:end_source 1 2']);
    });

    it('is not, when the source refuses', async () => {
      const no = new ProloError('conflict', 'home u1: its move at epoch 2 is over');
      await serve(0, { end_source: () => Promise.reject(no) });
      await put(moving);
      expect(await rejection(homes.finishMove(claim))).to.include({ kind: 'conflict', message: no.message });
      expect(await row()).to.deep.equal(moving);
    });

    it('is not, when the source cannot be reached, and is when it is back', async () => {
      await put(moving);
      expect(await rejection(homes.finishMove(claim))).to.include({
        kind: 'unavailable',
        message: 'hfs 0: does not answer',
      });
      expect(await row()).to.deep.equal(moving);
      await serve(0);
      await homes.finishMove(claim);
      expect(await row()).to.include({ hfs: 1, epoch: 2, state: 'here' });
    });

    it('is not, when the source is silent for too long', async () => {
      const impatient = createHomes(test.site, silentLog, store, 300);
      const end = later();
      await serve(0, { end_source: () => end.promise });
      await put(moving);
      const error = await rejection(impatient.finishMove(claim));
      end.resolve();
      expect(error).to.include({ kind: 'unavailable', message: 'hfs 0: does not answer' });
      expect(await row()).to.deep.equal(moving);
    });

    it('whoever asks for the home while the source is asked hears of the new owner; other writers do not wait', async () => {
      const [begun, end] = [later(), later()];
      await serve(0, {
        end_source() {
          begun.resolve();
          return end.promise;
        },
      });
      await put(moving);
      const finished = homes.finishMove(claim);
      await begun.promise;
      const given = homes.decide('u1', 0, () => Promise.resolve());
      await transact(store, (tx) => writeHome(tx, { ...here, login: 'u2' }));
      expect(await row()).to.deep.equal(moving);
      end.resolve();
      await finished;
      expect(await given).to.deep.include({ action: 'fetch', epoch: 3, source: { hfs: 1, epoch: 2 } });
    });

    it('a target that is silent has its move dropped by the next who asks', async () => {
      await put(moving);
      const answer = await homes.decide('u1', 0, () => Promise.resolve());
      expect(answer).to.deep.include({ action: 'serve', epoch: 1 });
      expect(await rejection(homes.finishMove(claim))).to.include({ kind: 'conflict' });
      expect(await row()).to.include({ hfs: 0, epoch: 1, last_epoch: 2, state: 'here' });
    });
  });

  describe('a restore', () => {
    const want = { login: 'u1', kept: { hfs: 1, epoch: 7 }, force: false, actor: 'test' };
    const size = (): number => 4096;

    it('asks the old server for its word, then places the image, then records it', async () => {
      await serve(0);
      await serve(1, { prepare_restore: size });
      await put({ ...here, last_epoch: 8 });
      const { home } = await restoreHome(homes, store, want);
      expect(home).to.include({ hfs: 1, epoch: 9, last_epoch: 9, size_bytes: 4096, state: 'here' });
      expect(asked).to.deep.equal(['1:prepare_restore', '0:stop', '0:end_source 1 9', '1:place_restored 9']);
      expect(await row()).to.deep.equal(home);
    });

    it('no writer waits while a server is asked, and nobody opens the home meanwhile', async () => {
      const [begun, end] = [later(), later()];
      await serve(0);
      await serve(1, {
        prepare_restore: size,
        place_restored() {
          begun.resolve();
          return end.promise;
        },
      });
      await put(here);
      const restored = restoreHome(homes, store, want);
      await begun.promise;
      await transact(store, (tx) => writeHome(tx, { ...here, login: 'u2' }));
      const opened = homes.decide('u1', 0, () => Promise.resolve());
      end.resolve();
      await restored;
      expect(await opened).to.deep.include({ action: 'fetch', epoch: 3, source: { hfs: 1, epoch: 2 } });
    });

    it('its owner logs on meanwhile: the home is what it was, and that epoch is nobody’s', async () => {
      await serve(0);
      await serve(1, {
        prepare_restore: size,
        place_restored: () =>
          store.knex('presence').insert({ login: 'u1', hostname: 'm1', ip: '10.0.0.1', since: here.changed_at }), // prettier-ignore
      });
      await put(here);
      expect(await rejection(restoreHome(homes, store, want))).to.include({
        kind: 'conflict',
        message: 'home u1: logged on at m1',
      });
      expect(await row()).to.deep.equal({ ...here, last_epoch: 2 });
      expect(asked.at(-1)).to.equal('1:discard_restore');
    });

    it('a server that cannot place it: the home is what it was, the next attempt has an epoch of its own', async () => {
      let full = true;
      await serve(0);
      await serve(1, {
        prepare_restore: size,
        place_restored: () => (full ? Promise.reject(new ProloError('full', 'no room')) : true),
      });
      await put(here);
      expect(await rejection(restoreHome(homes, store, want))).to.include({ kind: 'full' });
      expect(await row()).to.deep.equal({ ...here, last_epoch: 2 });
      full = false;
      expect((await restoreHome(homes, store, want)).home).to.include({ hfs: 1, epoch: 3 });
      expect(asked.filter((one) => one.includes('end_source'))).to.deep.equal(['0:end_source 1 2', '0:end_source 1 3']); // prettier-ignore
    });

    it('of a dead server needs the operator’s word', async () => {
      await serve(1, { prepare_restore: size });
      await put(here);
      expect(await rejection(restoreHome(homes, store, want))).to.include({
        kind: 'unavailable',
        message: 'hfs 0: does not answer',
      });
      expect(await row()).to.deep.equal(here);
      expect((await restoreHome(homes, store, { ...want, force: true })).home).to.include({
        hfs: 1,
        epoch: 2,
      });
    });
  });
});
