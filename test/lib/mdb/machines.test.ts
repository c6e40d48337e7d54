import { expect } from 'chai';
import { parseConfig } from '../../../src/lib/site/parse.ts';
import { changesAfter } from '../../../src/lib/store/change-log.ts';
import type { Store } from '../../../src/lib/store/store.ts';
import {
  addMachine,
  applyMachineUpdates,
  changeMachines,
  listMachines,
  registerMachine,
  removeMachines,
  setBootOnce,
  updateMachine,
} from '../../../src/lib/mdb/machines.ts';
import { setSetting } from '../../../src/lib/mdb/settings.ts';
import { onBothStores } from '../../support/stores.ts';
import { rejection } from '../../support/rejection.ts';

const config = parseConfig('', 'prolo.yml');
const pc = (n: number, more = {}) => ({
  hostname: `pas-r01p0${n}`,
  mac: `52:54:00:00:00:0${n}`,
  room: 'pasteur',
  ...more,
});
const lines = async (store: Store) =>
  (await changesAfter(store, 'mdb', 0)).map(({ updates }) =>
    updates.map(({ type, data }) => `${type} ${String(data.mac)}`),
  );

onBothStores('machines', (fresh) => {
  it('are added with defaults, the first free address, and a line of the change log', async () => {
    const store = await fresh();
    const machine = await addMachine(store, config, 'test', pc(1, { aliases: ['One', 'uno'] }));
    expect(machine).to.deep.include({
      ip: '192.168.0.1',
      aliases: 'one,uno',
      mtype: 'user',
      rfs: 0,
      is_faulty: false,
    });
    expect(await listMachines(store.knex)).to.deep.equal([machine]);
    const [line] = await changesAfter(store, 'mdb', 0);
    expect(line!.updates).to.have.length(1);
    expect(line!.updates[0]!.data).to.not.have.any.keys('id', 'boot_once');
  });

  it('with a changed MAC stay one machine: the old one is deleted and the new one updated in one line', async () => {
    const store = await fresh();
    const before = await addMachine(store, config, 'test', pc(1));
    const after = await updateMachine(store, config, 'test', 'pas-r01p01', { mac: '52-54-00-AA-BB-CC' });
    expect(after.id).to.equal(before.id);
    expect(await lines(store)).to.deep.equal([
      ['update 52:54:00:00:00:01'],
      ['delete 52:54:00:00:00:01', 'update 52:54:00:aa:bb:cc'],
    ]);
    expect(await listMachines(store.knex)).to.have.length(1);
  });

  it('may swap names, MACs and addresses in one change', async () => {
    const store = await fresh();
    await addMachine(store, config, 'test', pc(1));
    await addMachine(store, config, 'test', pc(2));
    await changeMachines(store, config, 'test', ([a, b]) => ({
      wishes: [
        { machine: a!, input: { mac: b!.mac, ip: b!.ip } },
        { machine: b!, input: { mac: a!.mac, ip: a!.ip } },
      ],
    }));
    expect((await listMachines(store.knex)).map(({ mac, ip }) => [mac, ip])).to.deep.equal([
      ['52:54:00:00:00:02', '192.168.0.2'],
      ['52:54:00:00:00:01', '192.168.0.1'],
    ]);
    expect((await lines(store)).at(-1)).to.deep.equal([
      'update 52:54:00:00:00:02',
      'update 52:54:00:00:00:01',
    ]);
  });

  it('never share a name, an alias, a MAC or an address: "aliases clashed"', async () => {
    const store = await fresh();
    await addMachine(store, config, 'test', pc(1, { aliases: ['rfs0'] }));
    for (const [clash, words] of [
      [pc(2, { aliases: ['RFS0'] }), "name rfs0 is pas-r01p01's"],
      [pc(2, { hostname: 'rfs0' }), "name rfs0 is pas-r01p01's"],
      [pc(2, { aliases: ['pas-r01p01'] }), "name pas-r01p01 is pas-r01p01's"],
      [pc(2, { mac: '5254.0000.0001' }), "mac 52:54:00:00:00:01 is pas-r01p01's"],
      [pc(2, { ip: '192.168.0.1' }), "ip 192.168.0.1 is pas-r01p01's"],
    ] as const)
      expect(await rejection(addMachine(store, config, 'test', clash)))
        .to.include({ kind: 'conflict' })
        .and.have.property('message')
        .that.includes(words);
    expect(await listMachines(store.knex)).to.have.length(1);
    expect(await lines(store)).to.have.length(1);
  });

  it('are never given an address in use, the gateway or broadcast: "IP allocation walked past addresses in use"', async () => {
    const store = await fresh();
    const small = parseConfig("pools: {user: '192.168.1.252-192.168.1.255'}", 'prolo.yml');
    await addMachine(store, small, 'test', pc(1, { ip: '192.168.1.252' }));
    expect((await addMachine(store, small, 'test', pc(2))).ip).to.equal('192.168.1.253');
    expect(await rejection(addMachine(store, small, 'test', pc(3)))).to.include({
      kind: 'full',
      message: 'pool user (192.168.1.252-192.168.1.255): no address is free',
    });
    await removeMachines(store, small, 'test', ['pas-r01p01']);
    expect((await addMachine(store, small, 'test', pc(3))).ip).to.equal('192.168.1.252');
  });

  it('added at the same moment all get their own address', async () => {
    const store = await fresh();
    const added = await Promise.all(
      [1, 2, 3, 4, 5, 6, 7, 8].map((n) => addMachine(store, config, 'test', pc(n))),
    );
    expect(new Set(added.map(({ ip }) => ip)).size).to.equal(8);
  });

  it('register only while the setting allows it', async () => {
    const store = await fresh();
    const self = { hostname: 'new', mac: '52:54:00:00:00:09', rfs: 1, hfs: 1, room: 'alt', mtype: 'orga' };
    expect(await rejection(registerMachine(store, config, 'netboot', self))).to.include({
      kind: 'forbidden',
      message: 'self registration is disabled',
    });
    await setSetting(store, 'test', 'allow_self_registration', 'true');
    expect((await registerMachine(store, config, 'netboot', self)).ip).to.equal('192.168.0.1');
  });

  it("never register under a server's name, nor have one that DNS uses", async () => {
    const store = await fresh();
    await setSetting(store, 'test', 'allow_self_registration', 'true');
    const self = { mac: '52:54:00:00:00:09', rfs: 1, hfs: 1, room: 'alt', mtype: 'user' };
    for (const hostname of ['gw', 'MDB', 'netboot', 'ns', 'rfs0', 'hfs12'])
      expect(await rejection(registerMachine(store, config, 'x', { ...self, hostname }))).to.include({
        kind: 'forbidden',
      });
    for (const hostname of ['localhost', 'alien-7'])
      expect(await rejection(addMachine(store, config, 'x', { ...self, hostname }))).to.include({
        kind: 'bad-input',
      });
    await registerMachine(store, config, 'x', { ...self, hostname: 'rhfs01' });
  });

  it('published by a SADM client are matched by hostname, then by MAC, all or nothing', async () => {
    const store = await fresh();
    await addMachine(store, config, 'test', pc(1));
    await applyMachineUpdates(store, config, 'sync', [
      { type: 'delete', data: pc(1) },
      { type: 'update', data: { ...pc(1), mac: '52:54:00:00:00:0a', aliases: 'a,b' } },
    ]);
    expect(await listMachines(store.knex)).to.have.length(1);
    expect((await lines(store)).at(-1)).to.deep.equal([
      'delete 52:54:00:00:00:01',
      'update 52:54:00:00:00:0a',
    ]);
    const bad = applyMachineUpdates(store, config, 'sync', [
      { type: 'delete', data: { mac: '52:54:00:00:00:0a' } },
      { type: 'update', data: { hostname: 'x_y', mac: '52:54:00:00:00:0b' } },
    ]);
    expect(await rejection(bad)).to.include({ kind: 'bad-input' });
    const none = applyMachineUpdates(store, config, 'sync', [{ type: 'delete', data: { mac: '0a' } }]);
    expect(await rejection(none)).to.include({ kind: 'bad-input' });
    expect(await listMachines(store.knex)).to.have.length(1);
    await applyMachineUpdates(store, config, 'sync', [
      { type: 'delete', data: { mac: '52:54:00:00:00:0A' } },
    ]);
    expect(await listMachines(store.knex)).to.have.length(0);
  });

  it('boot a profile once when told so, and followers hear of it', async () => {
    const store = await fresh();
    await addMachine(store, config, 'test', pc(1));
    await setBootOnce(store, 'test', ['pas-r01p01'], 'rescue');
    expect((await listMachines(store.knex))[0]!.boot_once).to.equal('rescue');
    expect(await lines(store)).to.have.length(2);
  });

  it('rehearsed leave nothing behind', async () => {
    const store = await fresh();
    const plan = await changeMachines(store, config, 'test', () => ({ wishes: [{ input: pc(1) }] }), true);
    expect(plan.create[0]!.ip).to.equal('192.168.0.1');
    expect(await listMachines(store.knex)).to.deep.equal([]);
    expect(await lines(store)).to.deep.equal([]);
  });
});
