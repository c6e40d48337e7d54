import { expect } from 'chai';
import { listApplied, noteApplied } from '../../../src/lib/contest/applied.ts';
import { startMode, stopMode } from '../../../src/lib/contest/mode.ts';
import { changeMode, contestRuns, readMode } from '../../../src/lib/contest/table.ts';
import { changesAfter } from '../../../src/lib/store/change-log.ts';
import type { Store } from '../../../src/lib/store/store.ts';
import { rejection } from '../../support/rejection.ts';
import { onBothStores } from '../../support/stores.ts';

onBothStores('the row of the contest', (fresh) => {
  const start = (store: Store, dryRun = false) =>
    changeMode(store, 'root@gw', (mode) => startMode(mode, { now: new Date(), by: 'root@gw' }), dryRun);

  it('is written with its line of the log and of the audit, or not at all', async () => {
    const store = await fresh();
    expect((await start(store, true)).epoch).to.equal(1);
    expect((await readMode(store.knex)).epoch).to.equal(0);
    const mode = await start(store);
    expect(await readMode(store.knex)).to.deep.equal(mode);
    expect(await contestRuns(store.knex, new Date(0))).to.equal(true);
    const lines = await changesAfter(store, 'contest', 0);
    expect(lines.map(({ updates }) => updates)).to.deep.equal([[{ type: 'update', data: mode }]]);
    expect((await rejection(start(store))).message).to.include('it runs since');
    expect(await changesAfter(store, 'contest', 0)).to.have.length(1);
    expect(await store.knex('audit').where({ action: 'contest' }).select('actor')).to.have.length(1);
  });

  it('is started once by two who do so together', async () => {
    const store = await fresh();
    const both = await Promise.allSettled([start(store), start(store)]);
    expect(both.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
    const off = await changeMode(store, 'x', (mode) => stopMode(mode, { now: new Date(), by: 'x' }));
    expect(off.epoch).to.equal(2);
  });

  it('what a consumer says last counts', async () => {
    const store = await fresh();
    const said = { consumer: 'firewall', epoch: 1, phase: 'waiting' as const, problem: '' };
    await noteApplied(store, said, new Date(0));
    await noteApplied(store, { ...said, phase: 'on', problem: 'no' }, new Date(1000));
    expect(await listApplied(store.knex)).to.deep.equal([
      { ...said, phase: 'on', problem: 'no', seen_at: '1970-01-01T00:00:01.000Z' },
    ]);
  });
});
