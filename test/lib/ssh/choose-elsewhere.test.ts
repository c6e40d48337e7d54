import { expect } from 'chai';
import { start as startMdb } from '../../../src/daemons/mdb.ts';
import type { Site } from '../../../src/lib/site/site.ts';
import { chooseMachines, type Selection } from '../../../src/lib/ssh/choose.ts';
import { ask, presenceStarter } from '../presence/support.ts';

const noStore = () => Promise.reject(new Error("the database is the gateway's alone"));
const names = (machines: { hostname: string }[]) => machines.map(({ hostname }) => hostname).join(' ');

describe('a selection on a host without the database', function () {
  this.timeout(20_000);
  const startPresence = presenceStarter();

  it('asks the daemons of the gateway, and presencesync only for its groups', async () => {
    const presence = await startPresence();
    const mdb = await startMdb(presence.context);
    try {
      const { database: _database, ...config } = presence.site.config;
      const site: Site = { ...presence.site, config };
      const choose = async (selection: Partial<Selection>) =>
        names(await chooseMachines(site, noStore, { words: [], ...selection }));
      expect(await ask(presence, 'login', { login: 'u2', hostname: 'm2' })).to.include({ status: 200 });
      expect(await choose({})).to.equal('m1 m2 m3 orga1');
      expect(await choose({ words: ['@user:u2', 'orga1'] })).to.equal('m2 orga1');
      expect(await choose({ words: ['@free'], exclude: ['m1'] })).to.equal('m3');
      await presence.close();
      expect(await choose({ words: ['m*'], mtype: '^user$', exclude: ['m3'] })).to.equal('m1 m2');
      const error = await choose({ words: ['@free'] }).catch((thrown: unknown) => thrown);
      expect(error).to.include({ kind: 'unavailable' });
    } finally {
      await mdb.close();
    }
  });

  it('is refused where nothing says which machines are to be touched', async () => {
    const presence = await startPresence();
    const choose = (selection: Partial<Selection>) =>
      chooseMachines(
        presence.site,
        presence.context.store,
        { words: [], ...selection },
        { bare: 'refuse' },
      ).then(names, (error: unknown) => (error as Error).message);
    expect(await choose({})).to.equal('selection: none');
    expect(await choose({ exclude: ['m1'] })).to.equal('selection: none');
    expect(await choose({ words: ['@all'] })).to.equal('m1 m2 m3 orga1');
    expect(await choose({ mtype: 'orga' })).to.equal('orga1');
    expect(await choose({ words: ['@all'], exclude: [' '] })).to.equal('-x: empty');
    expect(await choose({ words: [''] })).to.equal('selection: no machine is in it (0 in )');
  });
});
