import { expect } from 'chai';
import { allowedAddresses, type Known, NOBODY, splitAllowed } from '../../../src/lib/firewall/allowed.ts';
import { letThrough, parseSets, renderChange, renderSets } from '../../../src/lib/firewall/ruleset.ts';

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
  it('nobody at what is no address: nftables would run it', () => {
    const odd = machine('odd', '10.0.0.9 } ; flush ruleset ; #', 'service');
    expect(allowed({ machines: new Map([odd]) })).to.deep.equal(['10.0.2.2']);
  });
  for (const feed of ['machines', 'users', 'sessions'] as const)
    it(`nobody, until ${feed} are known`, () => expect(allowed({ [feed]: undefined })).to.deep.equal([]));
});

describe('what a contest takes away', () => {
  const usual = { ...structuredClone(policy), groups: ['user', 'orga', 'root'] } as never;
  it('is lent, the rest is not', () =>
    expect(splitAllowed(known, usual, policy as never)).to.deep.equal({
      internet: new Set(['10.0.2.2', '10.0.1.1', '10.0.0.2']),
      lent: new Set(['10.0.0.1']),
    }));
  it('is lent to nobody while it runs', () =>
    expect(splitAllowed(known, policy as never, policy as never).lent.size).to.equal(0));
});

describe('what nftables is told', () => {
  const some = (internet: string[], lent: string[] = []) => ({
    ...{ internet: new Set(internet), lent: new Set(lent) },
  });
  it('is nothing where nothing has changed', () =>
    expect(renderChange(some(['10.0.0.1']), some(['10.0.0.1']))).to.equal(''));
  it('is only what has changed, and who goes from one set to the other is never in none', () =>
    expect(
      renderChange(some(['10.0.0.2', '10.0.0.3'], ['10.0.0.4']), some(['10.0.0.1', '10.0.0.4'])).split('\n'),
    ).to.deep.equal([
      'delete element inet prolo-internet internet { 10.0.0.2, 10.0.0.3 }',
      'delete element inet prolo-internet lent { 10.0.0.4 }',
      'add element inet prolo-internet internet { 10.0.0.1, 10.0.0.4 }',
      '',
    ]));
  it('is a flush alone where nobody may', () =>
    expect(renderSets(NOBODY)).to.equal(
      'flush set inet prolo-internet internet\nflush set inet prolo-internet lent\n',
    ));
  it('lets those through to whom it is lent only while the daemon lives', () => {
    const through = (elem: unknown[]): string[] => {
      const sets = [
        { set: { name: 'internet', elem: ['10.0.0.1'] } },
        { set: { name: 'lent', elem: ['10.0.0.2'] } },
        { set: { name: 'alive', elem } },
      ];
      return [...letThrough(JSON.stringify({ nftables: sets }))];
    };
    const alive = [{ elem: { val: 'ipv4', timeout: 60, expires: 51 } }];
    expect([through(alive), through([])]).to.deep.equal([['10.0.0.1', '10.0.0.2'], ['10.0.0.1']]);
  });
  it('is read back', () => {
    const sets = [
      { set: { name: 'internet', elem: ['10.0.0.1'] } },
      { set: { name: 'lent' } },
      { set: { name: 'site', elem: [{ prefix: { addr: '10.0.0.0', len: 8 } }] } },
    ];
    expect(parseSets(JSON.stringify({ nftables: [{ metainfo: {} }, ...sets] }))).to.deep.equal(
      some(['10.0.0.1']),
    );
  });
});
