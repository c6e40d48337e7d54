import { expect } from 'chai';
import { parseConfig } from '../../../src/lib/site/parse.ts';

/** The message of the error that this text is refused with. */
function refusal(yaml: string): string {
  try {
    parseConfig(yaml, 'prolo.yml');
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('accepted');
}

describe('prolo.yml', () => {
  it("that is empty is SADM's site", () => {
    const config = parseConfig('', 'prolo.yml');
    expect(config).to.deep.include({ domain: 'prolo', gateway: 'gw', portBase: 20000 });
    expect(config.networks.map(({ cidr }) => cidr)).to.deep.equal([
      '192.168.0.0/23',
      '192.168.2.0/24',
      '192.168.250.0/24',
    ]);
    expect(config.pools).to.deep.equal({
      user: '192.168.0.1-192.168.0.253',
      orga: 'user',
      service: '192.168.1.1-192.168.1.253',
      cluster: '192.168.2.1-192.168.2.199',
    });
    expect(config.netboot.boots.user).to.equal('rfs');
  });

  it('is frozen, all the way down', () => {
    const config = parseConfig('', 'prolo.yml');
    expect(() => ((config.rooms as Record<string, unknown>).x = 1)).to.throw(TypeError);
  });

  for (const [title, yaml, path, expected] of [
    ['an unknown key', 'colour: red', 'colour', 'unknown key; known here: name, domain'],
    ['an unknown key deep down', 'netboot: {pause: 3}', 'netboot.pause', 'unknown key; known here: url'],
    ['an address that is none', 'serviceUrl: "mdb:{port}"', 'serviceUrl', 'a URL, http:// or https://'],
    ['a wrong type', 'portBase: many', 'portBase', 'expected the first of the services’ ports'],
    [
      'a network that is none',
      'networks: [{name: a, cidr: 10.0.0.1/8, role: machines}]',
      'networks.0.cidr',
      'such as 192.168.0.0/23',
    ],
    [
      'a role that is none',
      'networks: [{name: a, cidr: 10.0.0.0/8, role: mine}]',
      'networks.0.role',
      'alien',
    ],
    [
      'a gateway outside its network',
      'networks: [{name: a, cidr: 192.168.0.0/16, role: machines, gateway: 10.0.0.1}]',
      'networks.0.gateway',
      'is not in 192.168.0.0/16',
    ],
    [
      'networks that overlap',
      'networks: [{name: a, cidr: 192.168.0.0/16, role: machines}, {name: b, cidr: 192.168.4.0/24, role: alien}]',
      'networks.1.cidr',
      'overlaps networks.0',
    ],
    [
      'an uplink that asks DHCP on the NIC of the machines',
      'uplinks: [{}]',
      'uplinks.0.address',
      'is needed',
    ],
    [
      'an uplink whose way out is elsewhere',
      'uplinks: [{interface: wan0, address: 10.9.0.2/24, gateway: 10.8.0.1}]',
      'uplinks.0.gateway',
      'is not beside 10.9.0.2/24',
    ],
    ['a pool in no network', "pools: {user: '10.0.0.1-10.0.0.9'}", 'pools.user', 'in no network'],
    ['a pool that shares a shared one', 'pools: {user: orga}', 'pools.user', 'shares'],
    [
      'a pool of addresses that are leased',
      "networks: [{name: a, cidr: 192.168.0.0/22, role: machines, range: '192.168.0.9-192.168.0.20'}]",
      'pools.user',
      'overlaps networks.0.range',
    ],
    ['a root filesystem that is this host', 'rfs: {staging: /srv/..}', 'rfs.staging', 'is this host'],
    ['versions in what they are made of', 'rfs: {staging: s, dir: s/v}', 'rfs.dir', 'is in rfs.staging'],
    ['a profile that is not there', 'netboot: {boots: {user: windows}}', 'netboot.boots.user', 'windows'],
    [
      'uids that overlap',
      'groups: {user: {uids: 1000-2000}, orga: {uids: 1500-1600}}',
      'groups.orga.uids',
      'overlaps those of user',
    ],
  ] as const)
    it(`with ${title} is refused with its path and what was expected`, () => {
      expect(refusal(yaml)).to.include(`prolo.yml: ${path}: `).and.include(expected);
    });

  it('that is no YAML is refused with its line', () => {
    expect(refusal('a: [1\nb: 2')).to.match(/line \d/);
  });
});

describe('prolo.yml of somebody who means ill', () => {
  it('with aliases that would unfold to billions is refused by the name of the file', () => {
    const lists = 'abcdefghi'.split('').map((name, i, all) => {
      const items = i === 0 ? 'x' : `*${all[i - 1]}`;
      return `${name}: &${name} [${Array(9).fill(items).join(',')}]`;
    });
    expect(refusal(lists.join('\n'))).to.match(/^prolo\.yml: .*alias/);
  });

  it('cannot name what every object has for a profile', () => {
    expect(refusal('netboot: {boots: {user: constructor}}')).to.include('netboot.boots.user');
  });
});
