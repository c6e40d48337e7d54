import { expect } from 'chai';
import { staleLeases } from '../../../src/lib/dhcp/evict.ts';
import { planDhcp } from '../../../src/lib/dhcp/plan.ts';
import { configOf, machine } from './fixtures.ts';

const plan = planDhcp(configOf(''), [machine('pas', '52:54:00:00:00:0a', '192.168.0.1')]);

describe('staleLeases', () => {
  for (const [what, ip, mac, state, stale] of [
    ['of a PC whose place another one has taken', '192.168.0.1', '52:54:00:00:00:99', 0, true],
    ['of a machine that MDB has forgotten', '192.168.0.2', '52:54:00:00:00:99', 0, true],
    ["a machine's own", '192.168.0.1', '52:54:00:00:00:0A', 0, false],
    ["an alien's", '192.168.250.7', '52:54:00:00:00:99', 0, false],
    ['that has ended', '192.168.0.1', '52:54:00:00:00:99', 2, false],
  ] as const)
    it(`${stale ? 'finds' : 'leaves'} the lease ${what}`, () => {
      const lease = { 'ip-address': ip, 'hw-address': mac, state };
      expect(staleLeases([lease], plan)).to.deep.equal(stale ? [lease] : []);
    });
});
