import { expect } from 'chai';
import { changeMachines, listMachines } from '../../../src/lib/mdb/machines.ts';
import { addVersion, listBoots, listVersions, setCanaries, switchBoots } from '../../../src/lib/rfs/table.ts';
import { changesAfter } from '../../../src/lib/store/change-log.ts';
import { manifestOf } from '../../support/rfs.ts';
import { rejection } from '../../support/rejection.ts';
import { config } from '../netboot/support.ts';
import { onBothStores } from '../../support/stores.ts';

onBothStores('versions of the root filesystem in the database', (fresh) => {
  it('are switched for some RFS at once, and each that changes is told', async () => {
    const store = await fresh();
    for (const version of [1, 2]) await addVersion(store, 'root@gw', manifestOf(version));
    expect((await listVersions(store.knex)).map(({ version }) => version)).to.deep.equal([2, 1]);
    await switchBoots(store, 'root@gw', { rfs: [1, 2], version: 1 });
    await switchBoots(store, 'root@gw', { rfs: [2], version: 2 });
    expect((await listBoots(store.knex)).map(({ rfs, version }) => [rfs, version])).to.deep.equal([
      [1, 1],
      [2, 2],
    ]);
    const lines = await changesAfter(store, 'rfs', 0);
    expect(lines.map(({ updates }) => updates.map(({ data }) => [data.rfs, data.version]))).to.deep.equal([
      [
        [1, 1],
        [2, 1],
      ],
      [[2, 2]],
    ]);
    await switchBoots(store, 'root@gw', { rfs: [2], version: 2 });
    expect(await changesAfter(store, 'rfs', 0)).to.have.length(2);
    expect((await rejection(switchBoots(store, 'root@gw', { rfs: [1], version: 9 }))).message).to.match(
      /^version 9: there is none/,
    );
  });

  it('are tried by some machines, until all boot one', async () => {
    const store = await fresh();
    await changeMachines(store, config(), 'test', () => ({
      wishes: [1, 2].map((n) => ({ input: { hostname: `pc${n}`, mac: `52:54:00:00:00:0${n}`, rfs: 1 } })),
    }));
    for (const version of [1, 2]) await addVersion(store, 'root@gw', manifestOf(version));
    await switchBoots(store, 'root@gw', { rfs: [1], version: 1 });
    const [first] = await listMachines(store.knex);
    await setCanaries(store, 'root@gw', { version: 2, machines: [first!] });
    const [boots] = await listBoots(store.knex);
    expect(boots).to.deep.include({ rfs: 1, version: 1 });
    expect(boots!.canary).to.include({ version: 2, kernel: '2/vmlinuz' });
    expect(boots!.canary!.machines).to.deep.equal(['pc1']);
    await switchBoots(store, 'root@gw', { rfs: [1], version: 2 });
    expect((await listBoots(store.knex))[0]).to.deep.include({ version: 2, canary: null });
  });
});
