import { expect } from 'chai';
import { leasesInTheWay } from '../../../src/lib/dhcp/evict.ts';

const hosts = [{ hostname: 'pas', mac: '52:54:00:00:00:0a', ip: '192.168.0.1' }];
const lease = (ip: string, mac: string, state = 0) => ({ 'ip-address': ip, 'hw-address': mac, state });

describe('leasesInTheWay', () => {
  it('finds the lease of the PC whose place another one has taken', () => {
    const old = lease('192.168.0.1', '52:54:00:00:00:99');
    expect(leasesInTheWay([old], hosts)).to.deep.equal([old]);
  });
  it("leaves a machine's own lease, an alien's, and one that ended", () => {
    const others = [
      lease('192.168.0.1', '52:54:00:00:00:0A'),
      lease('192.168.250.7', '52:54:00:00:00:99'),
      lease('192.168.0.1', '52:54:00:00:00:99', 2),
    ];
    expect(leasesInTheWay(others, hosts)).to.deep.equal([]);
  });
});
