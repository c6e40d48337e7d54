import { expect } from 'chai';
import { allowedAddresses, type Known } from '../../../src/lib/firewall/allowed.ts';
import { parseSet, renderChange, renderSet } from '../../../src/lib/firewall/ruleset.ts';

const machine = (hostname: string, ip: string, mtype: string) => [hostname, { hostname, ip, mtype }] as const;
const known: Known = {
  machines: new Map([
    machine('web', '10.0.1.1', 'service'),
    machine('pas-r01p01', '10.0.0.1', 'user'),
    machine('pas-r01p02', '10.0.0.2', 'user'),
    machine('orga1', '10.0.0.3', 'orga'),
  ]),
  users: new Map([
    ['jdoe', { group: 'user' }],
    ['boss', { group: 'orga' }],
  ]),
  sessions: new Map([
    ['jdoe', { login: 'jdoe', hostname: 'pas-r01p01' }],
    ['boss', { login: 'boss', hostname: 'pas-r01p02' }],
    ['gone', { login: 'gone', hostname: 'orga1' }],
  ]),
};
const policy = { mtypes: ['service'], groups: ['orga', 'root'], addresses: ['10.0.2.2'] } as const;
const allowed = (other: Partial<Known>, change: object = {}) =>
  [...allowedAddresses({ ...known, ...other }, { ...structuredClone(policy), ...change } as never)].sort();

describe('who reaches the internet', () => {
  it('servers, named addresses, and organisers from where they sit', () =>
    expect(allowed({})).to.deep.equal(['10.0.0.2', '10.0.1.1', '10.0.2.2']));
  it('contestants too, where the site says so', () =>
    expect(allowed({}, { groups: ['user', 'orga', 'root'] })).to.deep.equal([
      '10.0.0.1',
      '10.0.0.2',
      '10.0.1.1',
      '10.0.2.2',
    ]));
  it('machines of a type, whoever sits there', () =>
    expect(allowed({}, { mtypes: ['orga'], groups: [], addresses: [] })).to.deep.equal(['10.0.0.3']));
  it('a login that UDB no longer has opens nothing', () => expect(allowed({})).not.to.include('10.0.0.3'));
  for (const feed of ['machines', 'users', 'sessions'] as const)
    it(`nobody, until ${feed} are known`, () => expect(allowed({ [feed]: undefined })).to.deep.equal([]));
});

describe('what nftables is told', () => {
  it('is nothing where nothing has changed', () =>
    expect(renderChange({ add: [], remove: [] })).to.equal(''));
  it('is only what has changed', () =>
    expect(renderChange({ add: ['10.0.0.1'], remove: ['10.0.0.2', '10.0.0.3'] }).split('\n')).to.deep.equal([
      'delete element inet prolo-internet internet { 10.0.0.2, 10.0.0.3 }',
      'add element inet prolo-internet internet { 10.0.0.1 }',
      '',
    ]));
  it('is a flush alone where nobody may', () =>
    expect(renderSet([])).to.equal('flush set inet prolo-internet internet\n'));
  it('is read back', () => {
    const set = { set: { name: 'internet', elem: ['10.0.0.1'] } };
    expect([...parseSet(JSON.stringify({ nftables: [{ metainfo: {} }, set] }))]).to.deep.equal(['10.0.0.1']);
    expect(parseSet(JSON.stringify({ nftables: [{ set: {} }] })).size).to.equal(0);
  });
});
