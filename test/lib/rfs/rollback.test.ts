import { expect } from 'chai';
import { changeMachines, listMachines } from '../../../src/lib/mdb/machines.ts';
import { noteCopy } from '../../../src/lib/rfs/copies.ts';
import { bootFiles, type RfsRecord } from '../../../src/lib/rfs/record.ts';
import { chooseRollback, type PastVersion, rollback } from '../../../src/lib/rfs/rollback.ts';
import { addVersion, listBoots, setCanaries, switchBoots } from '../../../src/lib/rfs/table.ts';
import { addTag, listTags, removeTag, resolveVersion } from '../../../src/lib/rfs/tag.ts';
import type { Store } from '../../../src/lib/store/store.ts';
import { manifestOf } from '../../support/rfs.ts';
import { rejection } from '../../support/rejection.ts';
import { onBothStores } from '../../support/stores.ts';
import { config } from '../netboot/support.ts';

const past = (version: number, facts: Partial<PastVersion> = {}): PastVersion => ({
  version,
  bootedAt: '2026-05-08T22:00:00.000Z',
  prunedAt: null,
  ...facts,
});
const record = (rfs: number, version: number, tries?: number): RfsRecord => {
  const files = (one: number) => bootFiles({ version: one, rootHash: 'a'.repeat(64) });
  return {
    rfs,
    ...files(version),
    canary: tries === undefined ? null : { ...files(tries), machines: ['pc1'] },
  };
};

describe('what is gone back to', () => {
  const boots = [record(0, 5), record(1, 5)];
  it('is the version before, or the one that was named', () => {
    expect(
      chooseRollback(
        [5, 4, 2].map((n) => past(n)),
        boots,
        undefined,
      ),
    ).to.deep.equal({ version: 4 });
    expect(
      chooseRollback(
        [5, 4, 2].map((n) => past(n)),
        boots,
        2,
      ),
    ).to.deep.equal({ version: 2 });
  });
  it('is not what was only tried, or what no server got', () => {
    const versions = [past(5), past(4, { bootedAt: null }), past(3)];
    expect(chooseRollback(versions, boots, undefined)).to.deep.equal({ version: 3 });
    expect(chooseRollback(versions, boots, 4)).to.deep.equal({ version: 4 });
    expect(chooseRollback(versions.slice(0, 2), boots, undefined)).to.deep.equal({ version: 4 });
  });
  it('is not what was pruned', () => {
    const versions = [past(5), past(4, { prunedAt: '2026-05-09T10:00:00.000Z' }), past(3)];
    expect(chooseRollback(versions, boots, undefined)).to.deep.equal({ version: 3 });
    expect(() => chooseRollback(versions, boots, 4)).to.throw('version 4: it was pruned');
  });
  it('a trial ends first', () => {
    const trial = [record(0, 5, 6), record(1, 5)];
    expect(
      chooseRollback(
        [6, 5, 4].map((n) => past(n)),
        trial,
        undefined,
      ),
    ).to.deep.equal({ trialOf: 6 });
    expect(
      chooseRollback(
        [6, 5, 4].map((n) => past(n)),
        trial,
        4,
      ),
    ).to.deep.equal({ version: 4 });
  });
  it('must be there', () => {
    expect(() => chooseRollback([past(5)], boots, undefined)).to.throw(
      'version before this one: there is none',
    );
    expect(() => chooseRollback([past(5), past(4)], boots, 3)).to.throw('version 3: there is none');
    expect(() => chooseRollback([], [], undefined)).to.throw('there is none');
    expect(() => chooseRollback([past(1)], [], 1)).to.throw('version 1: no machine boots any version yet');
  });
});

onBothStores('a rollback', (fresh) => {
  /** Two servers, rfs 0 and 1 on the first; three versions, the third is booted. */
  async function make(): Promise<Store> {
    const store = await fresh();
    const server = (n: number, aliases: string[]) => ({
      input: { hostname: `rhfs${n}`, mac: `52:54:00:00:00:0${n}`, mtype: 'service', aliases },
    });
    await changeMachines(store, config(), 'test', () => ({
      wishes: [
        server(1, ['rfs0', 'rfs1']),
        server(2, ['rfs2']),
        { input: { hostname: 'pc1', mac: '52:54:00:00:00:11', rfs: 2 } },
      ],
    }));
    for (const version of [1, 2, 3]) {
      await addVersion(store, 'root@gw', manifestOf(version));
      for (const hostname of ['rhfs1', 'rhfs2']) await noteCopy(store, { hostname, version });
      await switchBoots(store, 'root@gw', { rfs: [0, 1, 2], version });
    }
    return store;
  }
  const booted = async (store: Store): Promise<number[]> =>
    (await listBoots(store.knex)).map(({ version }) => version);

  it('is to what every server has proved that it has', async () => {
    const store = await make();
    expect(await rollback(store, 'root@gw', undefined)).to.deep.equal({
      version: 2,
      rfs: [0, 1, 2],
      lacking: [],
    });
    expect(await booted(store)).to.deep.equal([2, 2, 2]);
  });

  it('is refused where a server does not have it, or has it damaged; --partial does without that one', async () => {
    const store = await make();
    await noteCopy(store, { hostname: 'rhfs2', version: 1, damage: ['root.img'] });
    await addVersion(store, 'root@gw', manifestOf(4));
    expect((await rejection(rollback(store, 'root@gw', 1))).message).to.equal(
      'version 1: rhfs2 (rfs 2) has a damaged root.img',
    );
    expect((await rejection(rollback(store, 'root@gw', 4, true))).message).to.equal(
      'version 4: no server has it',
    );
    expect((await rejection(rollback(store, 'root@gw', 4))).message).to.equal(
      'version 4: rhfs1 (rfs 0) does not have it; rhfs1 (rfs 1) does not have it; rhfs2 (rfs 2) does not have it',
    );
    expect(await booted(store)).to.deep.equal([3, 3, 3]);
    expect((await rollback(store, 'root@gw', 1, true)).rfs).to.deep.equal([0, 1]);
    expect(await booted(store)).to.deep.equal([1, 1, 3]);
    await noteCopy(store, { hostname: 'rhfs2', version: 1 });
    await rollback(store, 'root@gw', 1);
    expect(await booted(store)).to.deep.equal([1, 1, 1]);
  });

  it('ends a trial, whatever servers have', async () => {
    const store = await make();
    const machines = await listMachines(store.knex);
    await addVersion(store, 'root@gw', manifestOf(4));
    await setCanaries(store, 'root@gw', { version: 4, machines: machines.slice(2) });
    expect(await rollback(store, 'root@gw', undefined)).to.include({ trialOf: 4 });
    // The trial is over, and was no version that all booted.
    await switchBoots(store, 'root@gw', { rfs: [0, 1, 2], version: 3 });
    expect(await rollback(store, 'root@gw', undefined)).to.include({ version: 2 });
  });

  it('takes a tag for the version that it names', async () => {
    const store = await make();
    expect(await addTag(store, 'root@gw', { name: 'finals', version: 1 })).to.equal(undefined);
    expect(await addTag(store, 'root@gw', { name: 'finals', version: 2 })).to.equal(1);
    await addTag(store, 'root@gw', { name: 'best', version: 2 });
    const tags = await listTags(store.knex);
    expect(tags.map(({ name, version }) => `${name}=${version}`)).to.deep.equal(['best=2', 'finals=2']);
    expect(resolveVersion(tags, 'finals')).to.equal(2);
    expect(resolveVersion(tags, '3')).to.equal(3);
    expect(() => resolveVersion(tags, 'final')).to.throw('version final: neither a number nor a tag');
    for (const name of ['7', '', 'staging', 'current', '../x', 'a b', '-x'])
      expect((await rejection(addTag(store, 'root@gw', { name, version: 1 }))).message, name).to.match(
        /no name/,
      );
    expect((await rejection(addTag(store, 'root@gw', { name: 'x', version: 9 }))).message).to.equal(
      'version 9: there is none',
    );
    expect(await removeTag(store, 'root@gw', 'finals')).to.equal(2);
    expect(await rejection(removeTag(store, 'root@gw', 'finals'))).to.include({ kind: 'not-found' });
  });
});
