import { expect } from 'chai';
import { silentLog } from '../../../src/lib/log.ts';
import { decideLogin, decideLogout, type Directory } from '../../../src/lib/presence/decide.ts';
import { openLedger } from '../../../src/lib/presence/ledger.ts';
import type { PresenceState } from '../../../src/lib/presence/state.ts';
import { listPresence } from '../../../src/lib/presence/table.ts';
import { changesAfter } from '../../../src/lib/store/change-log.ts';
import { rejection } from '../../support/rejection.ts';
import { onBothStores } from '../../support/stores.ts';

const everyone: Directory = {
  machine: () => ({ ip: '192.168.0.1', mtype: 'user' }),
  group: () => 'user',
};
const asked = { ip: '127.0.0.1', at: '2026-05-01T10:00:00.000Z' };
const login = (n: number) => (state: PresenceState) =>
  decideLogin(state, everyone, { login: `u${n}`, hostname: `m${n}` }, asked);
const logout = (n: number) => (state: PresenceState) =>
  decideLogout(state, everyone, { login: `u${n}`, hostname: `m${n}` }, asked);

onBothStores('the ledger of presence', (fresh) => {
  it('writes what comes together in one transaction, decided one after the other', async () => {
    const store = await fresh();
    const ledger = await openLedger(store, silentLog, () => 0);
    const all = Array.from({ length: 250 }, (_, i) => i);
    await Promise.all(all.flatMap((n) => [login(n), logout(n), login(n)].map((one) => ledger.submit(one))));
    expect(await listPresence(store.knex)).to.have.length(250);
    const lines = await changesAfter(store, 'presence', 0);
    expect(lines.length).to.be.within(1, 3);
    expect(lines.flatMap(({ updates }) => updates)).to.have.length(750);
    expect(await store.knex('presence_ended'), 'begun again').to.deep.equal([]);
    await Promise.all(all.map((n) => ledger.submit(logout(n))));
    expect(await store.knex('presence_ended')).to.have.length(250);
    await Promise.all(all.map((n) => ledger.submit(login(n))));
    expect(await store.knex('presence_ended')).to.have.length(0);
    expect(await listPresence(store.knex)).to.have.length(250);
  });

  it('decides anew what the database refused', async () => {
    const store = await fresh();
    const ledger = await openLedger(store, silentLog, () => 0);
    await store.knex('presence').insert({ login: 'u1', hostname: 'm9', ip: '192.168.0.9', since: asked.at });
    const [one, two] = await Promise.all([ledger.submit(login(1)), ledger.submit(login(2))]);
    expect(one.refusal?.text).to.equal('you are logged on at m9');
    expect(two.refusal).to.equal(undefined);
    expect((await listPresence(store.knex)).map((row) => `${row.login} ${row.hostname}`)).to.deep.equal([
      'u1 m9',
      'u2 m2',
    ]);
  });

  it('a database that cannot be written changes nobody, in memory either, and works again later', async () => {
    const store = await fresh();
    const ledger = await openLedger(store, silentLog, () => 0);
    await ledger.submit(login(1));
    await store.knex.schema.renameTable('audit', 'gone');
    await rejection(ledger.submit(login(2)));
    await rejection(ledger.submit(logout(1)));
    expect([...ledger.state.byLogin.keys()]).to.deep.equal(['u1']);
    expect([...ledger.state.byHostname.keys()]).to.deep.equal(['m1']);
    await store.knex.schema.renameTable('gone', 'audit');
    await ledger.submit(login(2));
    expect([...ledger.state.byLogin.keys()]).to.deep.equal(['u1', 'u2']);
    expect(await listPresence(store.knex)).to.have.length(2);
  });

  it('reads anew after a line that another process wrote', async () => {
    const store = await fresh();
    const ledger = await openLedger(store, silentLog, () => 0);
    await ledger.submit(login(1));
    const [own] = await changesAfter(store, 'presence', 0);
    ledger.saw(own!);
    await store.knex('presence').delete();
    await ledger.idle();
    expect(ledger.state.byLogin.size, 'its own line says nothing new').to.equal(1);
    ledger.saw({ seq: 99, updates: [{ type: 'delete', data: { login: 'u1', hostname: 'm1' } }] });
    await ledger.idle();
    expect(ledger.state.byLogin.size).to.equal(0);
  });
});
