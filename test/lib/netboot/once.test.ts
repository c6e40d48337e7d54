import { expect } from 'chai';
import { addMachine, setBootOnce } from '../../../src/lib/mdb/machines.ts';
import { takeBootOnce } from '../../../src/lib/netboot/once.ts';
import { checkProfile } from '../../../src/lib/netboot/profiles.ts';
import { onBothStores } from '../../support/stores.ts';
import { config } from './support.ts';

const MAC = '52:54:00:00:00:01';

onBothStores('netboot: boot once', (fresh) => {
  it('is taken by one of many who ask at once, and is gone then', async () => {
    const store = await fresh();
    await addMachine(store, config(), 'test', { hostname: 'pas-r01p01', mac: MAC });
    expect(await takeBootOnce(store, MAC)).to.equal(null);
    await setBootOnce(store, 'test', ['pas-r01p01'], 'memtest');
    const taken = await Promise.all(Array.from({ length: 8 }, () => takeBootOnce(store, MAC)));
    expect(taken.filter(Boolean)).to.deep.equal(['memtest']);
    expect(await takeBootOnce(store, MAC)).to.equal(null);
    expect(await store.knex('audit').where({ actor: 'netboot' }).pluck('details')).to.deep.equal([
      'pas-r01p01: memtest handed out',
    ]);
  });
});

describe('netboot: checkProfile', () => {
  it('takes one that the config has, or none to clear it', () => {
    expect(checkProfile(config(), 'memtest', false)).to.equal('memtest');
    expect(checkProfile(config(), undefined, true)).to.equal(null);
  });
  it('refuses any other, both, or neither', () => {
    expect(() => checkProfile(config(), 'constructor', false)).to.throw('is none of rfs, disk');
    expect(() => checkProfile(config(), undefined, false)).to.throw('--clear');
    expect(() => checkProfile(config(), 'memtest', true)).to.throw('--clear');
  });
});
