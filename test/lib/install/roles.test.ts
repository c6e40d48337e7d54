import { expect } from 'chai';
import { recipesFor } from '../../../src/lib/install/catalogue.ts';
import { orderRecipes } from '../../../src/lib/install/plan.ts';
import {
  planRegistration,
  register,
  registrationCommand,
  registrationOf,
} from '../../../src/lib/install/register.ts';
import { expandRoles, SERVER_ROLES } from '../../../src/lib/install/roles.ts';
import { listMachines } from '../../../src/lib/mdb/machines.ts';
import type { Machine } from '../../../src/lib/mdb/record.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';

describe('roles of servers', () => {
  let test: TestSite;
  before(async () => {
    test = await makeTestSite();
  });
  after(() => test.remove());
  const config = () => test.site.config;

  for (const distribution of ['debian', 'arch'] as const)
    for (const role of Object.keys(SERVER_ROLES))
      it(`${role}: each of its recipes is there, on ${distribution}`, () => {
        const all = recipesFor({ site: test.site, distribution, hostname: role, role });
        for (const database of ['sqlite:prolo.db', 'postgres://localhost/prolo']) {
          const names = SERVER_ROLES[role]!.recipes({ ...config(), database });
          expect(new Set(names).size).to.equal(names.length);
          expect(orderRecipes(names, all).map(({ name }) => name)).to.include.members(names);
        }
      });
  it('no recipe has the name of a role', () => {
    const all = recipesFor({ site: test.site, distribution: 'debian', hostname: 'gw' });
    expect(Object.keys(SERVER_ROLES).filter((role) => all.has(role))).to.deep.equal([]);
  });
  it('stand for their recipes, once each', () => {
    const { recipes, role } = expandRoles(['base', 'web', 'nginx'], config());
    expect(role).to.equal('web');
    expect(recipes[0]).to.equal('base');
    expect(recipes.at(-1)).to.equal('nginx');
    expect(recipes.filter((name) => name === 'base')).to.have.length(1);
    expect(expandRoles(['base'], config()).role).to.equal(undefined);
  });

  const nic = (address: string, mac: string, internal = false) => ({
    ...{ address, mac, internal, netmask: '255.255.254.0', family: 'IPv4' as const, cidr: null },
  });
  const nics = {
    lo: [nic('127.0.0.1', '00:00:00:00:00:00', true)],
    wan: [nic('10.0.0.2', '52:54:00:00:00:01')],
    lan: [nic('192.168.1.254', '52:54:00:00:00:02')],
  };
  it('the gateway is the NIC that has its address', () => {
    const { mac, ip, aliases } = registrationOf(config(), 'gw', 'gw', nics);
    expect([mac, ip]).to.deep.equal(['52:54:00:00:00:02', '192.168.1.254']);
    expect(aliases).to.include.members(['mdb', 'udbsync', 'ns', 'ntp']).and.not.include('hfs');
  });
  it('a file server has the names of its number', () => {
    const of = (hostname: string) => registrationOf(config(), 'rhfs', hostname, {}).aliases;
    expect(of('rhfs23')).to.deep.equal(['rfs2', 'hfs2']);
    expect(of('rhfs01')).to.deep.equal(['rhfs', 'rfs', 'hfs', 'rfs0', 'hfs0']);
    expect(of('files')).to.deep.equal([]);
  });
  it('MDB is told what it lacks, and nothing is taken from it', () => {
    const wanted = { hostname: 'gw', aliases: ['mdb', 'ns'], mac: '52:54:00:00:00:02' };
    expect(planRegistration([], wanted)).to.deep.equal({ ...wanted, mtype: 'service' });
    const there = (aliases: string) => [{ hostname: 'gw', aliases, mac: 'x', ip: 'y' } as Machine];
    expect(planRegistration(there('home,mdb'), wanted)).to.deep.equal({
      hostname: 'gw',
      aliases: ['home', 'mdb', 'ns'],
    });
    expect(planRegistration(there('ns,mdb'), wanted)).to.equal(undefined);
  });
  it('a second time there is nothing to tell', async () => {
    const store = await test.store();
    const wanted = registrationOf(config(), 'gw', 'gw', nics);
    const tell = (dryRun: boolean) => register(store, config(), 'test', wanted, dryRun);
    expect((await tell(true))?.aliases).to.include('mdb');
    expect(await listMachines(store.knex)).to.deep.equal([]);
    await tell(false);
    const [machine] = await listMachines(store.knex);
    expect([machine?.ip, machine?.mac, machine?.mtype]).to.deep.equal([wanted.ip, wanted.mac, 'service']);
    expect(await tell(false)).to.equal(undefined);
  });
  it('whoever is not the gateway is told what to say there', () =>
    expect(registrationCommand({ hostname: 'web', aliases: [] })).to.equal(
      'prolo mdb add --update --hostname web --mac MAC --mtype service',
    ));
});
